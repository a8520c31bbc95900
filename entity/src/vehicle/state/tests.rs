//! Walks every state and every event, against the table of MDS 2.0.2 written out a second time.

use sea_orm::Iterable;

use super::*;

/// What may happen in each state, as text, so that a change of the table shows here.
#[expect(clippy::too_many_lines, reason = "one table, a row for each state and event")]
fn written(from: State) -> &'static [(&'static str, &'static str)] {
    match from {
        S::Removed => &[
            ("agency_drop_off", "available"),
            ("comms_lost", "non_contactable"),
            ("provider_drop_off", "available"),
            ("unspecified", "non_contactable on_lease"),
        ],
        S::Available => &[
            ("agency_pick_up", "removed"),
            ("battery_low", "non_operational"),
            ("comms_lost", "non_contactable"),
            ("compliance_pick_up", "removed"),
            ("decommissioned", "removed"),
            ("maintenance", "non_operational"),
            ("maintenance_pick_up", "removed"),
            ("off_hours", "non_operational"),
            ("rebalance_pick_up", "removed"),
            ("reservation_start", "reserved"),
            ("system_suspend", "non_operational"),
            ("trip_start", "on_trip"),
            ("unspecified", "non_contactable non_operational on_lease removed"),
        ],
        S::NonOperational => &[
            ("agency_pick_up", "removed"),
            ("battery_charged", "available"),
            ("comms_lost", "non_contactable"),
            ("compliance_pick_up", "removed"),
            ("decommissioned", "removed"),
            ("maintenance", "available"),
            ("maintenance_pick_up", "removed"),
            ("on_hours", "available"),
            ("rebalance_pick_up", "removed"),
            ("system_resume", "available"),
            ("unspecified", "available non_contactable on_lease removed"),
        ],
        S::Reserved => &[
            ("comms_lost", "non_contactable"),
            ("reservation_cancel", "available"),
            ("trip_start", "on_trip"),
            ("unspecified", "non_contactable"),
        ],
        S::OnTrip => &[
            ("changed_geographies", "on_trip"),
            ("comms_lost", "non_contactable"),
            ("trip_cancel", "available"),
            ("trip_end", "available"),
            ("trip_leave_jurisdiction", "elsewhere"),
            ("unspecified", "non_contactable"),
        ],
        S::NonContactable => &[
            ("agency_drop_off", "available"),
            ("agency_pick_up", "removed"),
            ("comms_restored", "available elsewhere non_operational on_trip removed reserved"),
            ("decommissioned", "removed"),
            ("not_located", "missing"),
            ("provider_drop_off", "available"),
            ("unspecified", "available elsewhere missing non_operational on_trip removed reserved"),
        ],
        S::Missing => &[
            ("agency_drop_off", "available"),
            ("agency_pick_up", "removed"),
            ("decommissioned", "removed"),
            ("located", "available elsewhere non_operational on_trip removed reserved"),
            ("provider_drop_off", "available"),
            ("unspecified", "available elsewhere non_operational on_trip removed reserved"),
        ],
        S::Elsewhere => &[
            ("agency_pick_up", "removed"),
            ("comms_lost", "non_contactable"),
            ("compliance_pick_up", "removed"),
            ("decommissioned", "removed"),
            ("maintenance_pick_up", "removed"),
            ("rebalance_pick_up", "removed"),
            ("trip_enter_jurisdiction", "on_trip"),
            ("unspecified", "non_contactable removed"),
        ],
        S::OnLease => &[("provider_drop_off", "available")],
    }
}

#[test]
fn every_state_and_event_pair_is_as_written() {
    for from in State::iter() {
        for event in EventType::iter() {
            let mut found: Vec<_> = targets(from, event).iter().map(ActiveEnum::to_value).collect();
            found.sort();
            let expected = written(from).iter().find(|(name, _)| *name == event.to_value());
            assert_eq!(found.join(" "), expected.map_or("", |(_, to)| to), "{from:?} by {event:?}");
        }
    }
}

#[test]
fn no_state_is_unreachable_and_none_is_a_dead_end() {
    for state in State::iter() {
        let reached = TABLE
            .iter()
            .any(|(from, _, to)| to.contains(&state) && from.iter().any(|f| *f != state));
        let left =
            EventType::iter().any(|event| targets(state, event).iter().any(|to| *to != state));
        assert!(reached && left, "{state:?}");
    }
}

#[test]
fn a_path_stops_at_its_first_illegal_step() {
    let moved = [(E::RebalancePickUp, S::Removed), (E::ProviderDropOff, S::Available)];
    assert_eq!(follow(S::Available, &moved), Ok(S::Available));
    let illegal = IllegalTransition { from: S::OnTrip, event: E::RebalancePickUp, to: S::Removed };
    assert_eq!(follow(S::OnTrip, &moved), Err(illegal));
}
