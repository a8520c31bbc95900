//! A day's movements: what was confirmed, then what was given back, by the events that tell of it.

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use serde::Deserialize;

use super::{
    super::{Listing, Movement, MovementKind, ProviderError, Result},
    api::Api,
    request::moment,
    wire::{Event, Page, money},
};

/// What is listed, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Payments,
    Refunds,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Refunds => "refunds",
        }
    }

    /// The event by which money has moved, and what is told along with it.
    fn moved(self) -> (&'static str, &'static str) {
        match self {
            Self::Payments => ("confirmed", "payment"),
            Self::Refunds => ("paid", "refund"),
        }
    }
}

pub(super) async fn page(api: &Api, day: NaiveDate, after: Option<&str>) -> Result<Listing> {
    let (part, cursor) = place(after)?;
    let (action, include) = part.moved();
    let start = day.and_time(NaiveTime::MIN).and_utc();
    let (from, until) = (moment(start), moment(start + TimeDelta::days(1)));
    let mut query = vec![
        ("resource_type", part.name()),
        ("action", action),
        ("include", include),
        ("created_at[gte]", &from),
        ("created_at[lt]", &until),
        ("limit", "250"),
    ];
    query.extend(cursor.map(|cursor| ("after", cursor)));
    listing(part, api.list(&query).await?)
}

/// A place is the part, and where its page begins: `payments:EV…`.
fn place(after: Option<&str>) -> Result<(Part, Option<&str>)> {
    let Some(after) = after else { return Ok((Part::Payments, None)) };
    match after.split_once(':') {
        Some(("payments", cursor)) => Ok((Part::Payments, Some(cursor))),
        Some(("refunds", cursor)) => Ok((Part::Refunds, Some(cursor))),
        _ if after == "refunds" => Ok((Part::Refunds, None)),
        _ => Err(ProviderError::Nonsense("not a place in a listing".into())),
    }
}

fn listing(part: Part, page: Page<Event>) -> Result<Listing> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Linked {
        payments: Vec<Amount>,
        refunds: Vec<Amount>,
    }
    let linked: Option<Linked> = serde_json::from_value(page.linked)
        .map_err(|error| ProviderError::Nonsense(error.into()))?;
    let linked = linked.unwrap_or_default();
    let (amounts, kind) = match part {
        Part::Payments => (linked.payments, MovementKind::Charge),
        Part::Refunds => (linked.refunds, MovementKind::Refund),
    };
    let movements = page.items.into_iter().map(|event| movement(kind, event, &amounts));
    let next = match (page.after, part) {
        (Some(cursor), _) => Some(format!("{}:{cursor}", part.name())),
        (None, Part::Payments) => Some(Part::Refunds.name().to_owned()),
        (None, Part::Refunds) => None,
    };
    Ok(Listing { movements: movements.collect::<Result<_>>()?, next })
}

#[derive(Deserialize)]
struct Amount {
    id: String,
    amount: i64,
    currency: String,
}

fn movement(kind: MovementKind, event: Event, amounts: &[Amount]) -> Result<Movement> {
    let reference = match kind {
        MovementKind::Charge => event.links.payment,
        MovementKind::Refund => event.links.refund,
    };
    let told = amounts.iter().find(|told| Some(&told.id) == reference.as_ref());
    told.and_then(|told| {
        let amount = money(told.amount, &told.currency)?;
        Some(Movement { kind, reference: told.id.clone(), amount, at: event.created_at })
    })
    .ok_or_else(|| ProviderError::Nonsense("an event without its amount".into()))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Event, Page, Part, listing, place};

    fn page(after: Option<&str>) -> Page<Event> {
        let mut recorded: Value =
            serde_json::from_str(include_str!("recorded/listing.json")).unwrap();
        Page {
            items: serde_json::from_value(recorded["events"].take()).unwrap(),
            after: after.map(str::to_owned),
            linked: recorded["linked"].take(),
        }
    }

    #[test]
    fn a_movement_is_an_event_with_its_amount() {
        let listed = listing(Part::Payments, page(None)).unwrap();
        let [moved] = &listed.movements[..] else { panic!("{listed:?}") };
        assert_eq!((moved.reference.as_str(), moved.amount.minor()), ("PM00001078ZJJN", 1_250));
        assert_eq!(moved.at.to_rfc3339(), "2035-01-09T09:00:00+00:00");
        let unlinked = Page { linked: Value::Null, ..page(None) };
        assert!(listing(Part::Payments, unlinked).is_err());
    }

    #[test]
    fn pages_follow_each_other_and_refunds_follow_payments() {
        let next = |part, after| listing(part, Page { items: vec![], ..page(after) }).unwrap().next;
        let more = next(Part::Payments, Some("EV1")).unwrap();
        assert_eq!(place(Some(&more)).unwrap(), (Part::Payments, Some("EV1")));
        let refunds = next(Part::Payments, None).unwrap();
        assert_eq!(place(Some(&refunds)).unwrap(), (Part::Refunds, None));
        let more = next(Part::Refunds, Some("EV2")).unwrap();
        assert_eq!(place(Some(&more)).unwrap(), (Part::Refunds, Some("EV2")));
        assert_eq!(next(Part::Refunds, None), None);
        assert_eq!(place(None).unwrap(), (Part::Payments, None));
        assert!(place(Some("payouts:PO1")).is_err());
    }
}
