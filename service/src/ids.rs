//! New ids: UUIDv7, which sort by when they were made, also within one millisecond.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// The last millisecond, and what came after it.
#[derive(Default)]
pub(crate) struct Ids(Mutex<(u64, [u8; 10])>);

impl Ids {
    pub(crate) fn next(&self, now: DateTime<Utc>) -> uuid::Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if millis > last.0 {
            *last = (millis, crate::keys::random().unwrap_or_default());
            // Room to count up within this millisecond.
            last.1[3] &= 0x7f;
        } else {
            count_up(&mut last.1[3..]);
        }
        uuid::Builder::from_unix_timestamp_millis(last.0, &last.1).into_uuid()
    }
}

/// No id that was made at this time or later is less.
pub(crate) fn first_of(time: DateTime<Utc>) -> uuid::Uuid {
    let millis = u64::try_from(time.timestamp_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

fn count_up(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ids_are_greater_also_within_a_millisecond() {
        let (ids, now) = (Ids::default(), DateTime::UNIX_EPOCH + chrono::Duration::days(20_000));
        let made: Vec<_> =
            (0..1_000).map(|n| ids.next(now + chrono::Duration::milliseconds(n / 300))).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
        assert!(made.iter().all(|id| id.get_version_num() == 7));
    }
}
