//! Days in a tenant's time zone, and the moments between which they lie.

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use crate::{
    ctx::Ctx,
    error::{Error, Invalid, Result},
};

/// Times of more digits do not sort as text, which is what SQLite keeps.
pub(super) const LAST_YEAR: i32 = 9_998;

/// Where days begin.
#[derive(Clone, Copy, Debug)]
pub struct Zone(Tz);

/// None: without a bound on that side.
#[derive(Clone, Copy, Debug, Default)]
pub struct Period {
    /// Inclusive.
    pub from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub before: Option<DateTime<Utc>>,
}

impl Zone {
    pub async fn of(ctx: &Ctx) -> Result<Self> {
        let tenant = ctx.own_tenant().await?;
        tenant.time_zone.parse().map(Self).map_err(Error::internal)
    }

    /// Both days belong to it.
    pub fn days(self, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<Period> {
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return Err(Invalid::new("to", "must not be before from").into());
        }
        for (field, day) in [("from", from), ("to", to)] {
            if day.is_some_and(|day| !(1..=LAST_YEAR).contains(&day.year())) {
                return Err(Invalid::new(field, format!("must be before {}", LAST_YEAR + 1)).into());
            }
        }
        let from = from.map(|from| self.begin(from));
        let next = to.and_then(|to| to.checked_add_days(Days::new(1)));
        Ok(Period { from, before: next.map(|next| self.begin(next)) })
    }

    pub fn date(self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.0).date_naive()
    }

    /// Where a clock is put forward at midnight, the day begins when it goes on.
    fn begin(self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_time(NaiveTime::MIN);
        let hours = (0..24).map(|hours| midnight + Duration::hours(hours));
        let first = hours.filter_map(|time| self.0.from_local_datetime(&time).earliest()).next();
        first.map_or(midnight.and_utc(), |time| time.with_timezone(&Utc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(zone: &str, date: &str) -> (String, String) {
        let date: NaiveDate = date.parse().unwrap();
        let period = Zone(zone.parse().unwrap()).days(Some(date), Some(date)).unwrap();
        (period.from.unwrap().to_rfc3339(), period.before.unwrap().to_rfc3339())
    }

    fn utc(from: &str, before: &str) -> (String, String) {
        (format!("{from}:00+00:00"), format!("{before}:00+00:00"))
    }

    #[test]
    fn a_day_is_as_long_as_the_zone_says() {
        let nairobi = day("Africa/Nairobi", "2035-06-01");
        assert_eq!(nairobi, utc("2035-05-31T21:00", "2035-06-01T21:00"));
        // 23 hours and 25.
        let spring = day("Europe/Copenhagen", "2026-03-29");
        assert_eq!(spring, utc("2026-03-28T23:00", "2026-03-29T22:00"));
        let autumn = day("Europe/Copenhagen", "2026-10-25");
        assert_eq!(autumn, utc("2026-10-24T22:00", "2026-10-25T23:00"));
        // There was no midnight.
        assert_eq!(
            day("America/Sao_Paulo", "2018-11-04"),
            utc("2018-11-04T03:00", "2018-11-05T02:00")
        );
    }

    #[test]
    fn a_period_does_not_end_before_it_begins() {
        let zone = Zone(Tz::UTC);
        let [a, b] = ["2035-01-02", "2035-01-01"].map(|day| day.parse().ok());
        assert!(zone.days(a, b).is_err());
        assert!(zone.days(None, Some(NaiveDate::MAX)).is_err());
        assert!(zone.days(None, None).unwrap().from.is_none());
    }

    #[test]
    fn a_moment_belongs_to_the_day_of_its_zone() {
        let at = "2035-01-01T23:30:00Z".parse().unwrap();
        assert_eq!(Zone(Tz::Europe__Copenhagen).date(at).to_string(), "2035-01-02");
    }
}
