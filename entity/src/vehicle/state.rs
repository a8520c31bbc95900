//! The vehicle state machine: MDS 2.0 micromobility, and a state for a vehicle out on lease.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::station::Standing;

/// MDS 2.0 vehicle states; `OnLease` is `removed` to MDS.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    Removed,
    Available,
    NonOperational,
    Reserved,
    OnTrip,
    NonContactable,
    Missing,
    Elsewhere,
    OnLease,
}

/// MDS 2.0 vehicle event types for micromobility.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    AgencyDropOff,
    AgencyPickUp,
    BatteryCharged,
    BatteryLow,
    ChangedGeographies,
    CommsLost,
    CommsRestored,
    CompliancePickUp,
    Decommissioned,
    Located,
    Maintenance,
    MaintenancePickUp,
    NotLocated,
    OffHours,
    OnHours,
    ProviderDropOff,
    RebalancePickUp,
    ReservationCancel,
    ReservationStart,
    SystemResume,
    SystemSuspend,
    TripCancel,
    TripEnd,
    TripEnterJurisdiction,
    TripLeaveJurisdiction,
    TripStart,
    Unspecified,
}

/// One line of the table: from any of these, by any of these events, to one of these.
pub type Row = (&'static [State], &'static [EventType], &'static [State]);

/// One event on a vehicle's way, and the state that it leads to.
pub type Step = (EventType, State);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} does not lead from {from:?} to {to:?}")]
pub struct IllegalTransition {
    pub from: State,
    pub event: EventType,
    pub to: State,
}

use EventType as E;
use State as S;

/// Every change of state that there is. The rows follow the table of MDS 2.0.2; the last two are the lease.
pub const TABLE: &[Row] = &[
    (
        &[S::Available],
        &[E::BatteryLow, E::Maintenance, E::OffHours, E::SystemSuspend],
        &[S::NonOperational],
    ),
    (&[S::Available, S::NonContactable, S::Missing], &[E::Unspecified], &[S::NonOperational]),
    (
        &[S::NonOperational],
        &[E::BatteryCharged, E::Maintenance, E::OnHours, E::SystemResume],
        &[S::Available],
    ),
    (&[S::NonOperational, S::NonContactable, S::Missing], &[E::Unspecified], &[S::Available]),
    (&[S::Available], &[E::ReservationStart], &[S::Reserved]),
    (&[S::Reserved], &[E::ReservationCancel], &[S::Available]),
    (&[S::Available, S::Reserved], &[E::TripStart], &[S::OnTrip]),
    (&[S::OnTrip], &[E::TripEnd, E::TripCancel], &[S::Available]),
    (&[S::OnTrip], &[E::ChangedGeographies], &[S::OnTrip]),
    (&[S::OnTrip], &[E::TripLeaveJurisdiction], &[S::Elsewhere]),
    (&[S::Elsewhere], &[E::TripEnterJurisdiction], &[S::OnTrip]),
    (
        &[S::Available, S::NonOperational, S::Elsewhere],
        &[E::CompliancePickUp, E::MaintenancePickUp, E::RebalancePickUp],
        &[S::Removed],
    ),
    (
        &[S::Available, S::NonOperational, S::Elsewhere, S::NonContactable, S::Missing],
        &[E::AgencyPickUp, E::Decommissioned, E::Unspecified],
        &[S::Removed],
    ),
    (
        &[S::Removed, S::NonContactable, S::Missing],
        &[E::AgencyDropOff, E::ProviderDropOff],
        &[S::Available],
    ),
    (
        &[S::Available, S::Elsewhere, S::NonOperational, S::OnTrip, S::Removed, S::Reserved],
        &[E::CommsLost, E::Unspecified],
        &[S::NonContactable],
    ),
    (
        &[S::NonContactable],
        &[E::CommsRestored],
        &[S::Available, S::Elsewhere, S::NonOperational, S::OnTrip, S::Removed, S::Reserved],
    ),
    (&[S::NonContactable], &[E::NotLocated, E::Unspecified], &[S::Missing]),
    (
        &[S::Missing],
        &[E::Located],
        &[S::Available, S::Elsewhere, S::NonOperational, S::OnTrip, S::Removed, S::Reserved],
    ),
    (&[S::NonContactable, S::Missing], &[E::Unspecified], &[S::Elsewhere, S::OnTrip, S::Reserved]),
    (&[S::Available, S::NonOperational, S::Removed], &[E::Unspecified], &[S::OnLease]),
    (&[S::OnLease], &[E::ProviderDropOff], &[S::Available]),
];

/// The states that this event may lead to from here; none when it is not legal here.
pub fn targets(from: State, event: EventType) -> Vec<State> {
    let rows = TABLE.iter().filter(|(f, e, _)| f.contains(&from) && e.contains(&event));
    let mut targets: Vec<State> = Vec::new();
    for state in rows.flat_map(|(_, _, to)| to.iter().copied()) {
        if !targets.contains(&state) {
            targets.push(state);
        }
    }
    targets
}

/// Walks the steps from a state and gives the one where they end. The states between are passed, never held.
pub fn follow(from: State, steps: &[Step]) -> Result<State, IllegalTransition> {
    steps.iter().try_fold(from, |from, &(event, to)| {
        let legal = TABLE
            .iter()
            .any(|(f, e, t)| f.contains(&from) && e.contains(&event) && t.contains(&to));
        if legal { Ok(to) } else { Err(IllegalTransition { from, event, to }) }
    })
}

impl State {
    /// As MDS names it: a vehicle out on lease is `removed`.
    pub fn mds(self) -> Self {
        match self {
            Self::OnLease => Self::Removed,
            other => other,
        }
    }

    /// How a vehicle in this state counts where it stands; None when it cannot stand at a station.
    pub fn standing(self) -> Option<Standing> {
        match self {
            Self::Available => Some(Standing::Available),
            Self::Reserved => Some(Standing::Reserved),
            Self::NonOperational | Self::NonContactable => Some(Standing::Disabled),
            Self::Removed | Self::OnTrip | Self::Missing | Self::Elsewhere | Self::OnLease => None,
        }
    }
}

#[cfg(test)]
mod tests;
