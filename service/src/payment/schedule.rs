//! When a provider is asked again about a payment that has not ended.

use chrono::{DateTime, Duration, Utc};
use entity::{
    payment::{Model, Provider, State},
    refund::Model as Refund,
};

use super::call::LEASE;

/// Minutes after which it is asked again; then every hour for a day.
const MINUTES: [i64; 4] = [1, 5, 15, 60];
const HOURS: i32 = 24;
/// A bank takes days: four times a day, for three weeks.
const BANK_CHECKS: i32 = 84;

/// None: it has ended, waits for somebody here, or is given up.
pub(super) fn next(payment: &Model, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if payment.failure_code.as_deref() == Some("amount_mismatch") {
        return None;
    }
    match payment.state {
        State::Completed | State::Failed | State::Canceled | State::Expired | State::Reversed => {
            None
        }
        // It lapses by itself; then the provider says so.
        State::Authorized => payment.expires_at,
        State::Pending if payment.checks == 0 => Some(now + LEASE),
        State::Pending | State::RequiresAction | State::Processing | State::Unknown => {
            Some(now + pause(payment)?)
        }
    }
}

/// It was asked as often as makes sense.
pub(super) fn is_given_up(payment: &Model) -> bool {
    let waits = !payment.state.is_settled() && payment.state != State::Authorized;
    waits && payment.failure_code.is_none() && pause(payment).is_none()
}

fn pause(payment: &Model) -> Option<Duration> {
    let checks = payment.checks;
    match (payment.provider, payment.state) {
        // The demo's bank takes a second, and who misses that is found as others are.
        (Provider::Demo, State::Processing) if checks == 0 => return Some(Duration::seconds(1)),
        // A prompt on a phone is answered within half a minute, and its message may never come.
        (Provider::Mpesa, State::RequiresAction | State::Processing) if checks < 3 => {
            return Some(Duration::seconds(10));
        }
        (Provider::BankApi, State::Processing) => {
            return (checks < BANK_CHECKS).then(|| Duration::hours(6));
        }
        _ => {}
    }
    let minutes = usize::try_from(checks).ok().and_then(|checks| MINUTES.get(checks));
    match minutes {
        Some(minutes) => Some(Duration::minutes(*minutes)),
        None => (checks < MINUTES.len() as i32 + HOURS).then(|| Duration::hours(1)),
    }
}

/// As `next`, of a refund.
pub(super) fn next_refund(refund: &Refund, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if refund.is_settled() {
        return None;
    }
    let minutes = usize::try_from(refund.checks).ok().and_then(|checks| MINUTES.get(checks));
    let hours = refund.checks < MINUTES.len() as i32 + 30 * HOURS;
    match minutes {
        Some(minutes) => Some(now + Duration::minutes(*minutes)),
        None => hours.then(|| now + Duration::hours(1)),
    }
}
