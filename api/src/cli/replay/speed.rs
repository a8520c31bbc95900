//! How a speed, a time and a moment of the records are written on the command line.

use std::time::Duration;

use chrono::NaiveDateTime;
use service::replay::Speed;

const FASTEST: f64 = 100_000.0;
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

pub fn times(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(times) if times > 0.0 && times <= FASTEST => Ok(times),
        _ => Err(format!("must be a number above 0 and up to {FASTEST}")),
    }
}

pub fn any(text: &str) -> Result<Speed, String> {
    match text {
        "max" => Ok(Speed::Max),
        _ => times(text).map(Speed::Times).map_err(|error| format!("{error}, or `max`")),
    }
}

pub fn time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() && time <= LONGEST => Ok(time),
        _ => Err("must be a time such as 60s or 5m, up to a day".to_owned()),
    }
}

pub fn moment(text: &str) -> Result<NaiveDateTime, String> {
    let short = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M");
    short
        .or_else(|_| text.parse())
        .map_err(|_| "must be a time such as 2014-09-03T07:00".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!((times("60"), any("max")), (Ok(60.0), Ok(Speed::Max)));
        for text in ["0", "-1", "NaN", "inf", "fast", ""] {
            assert!(times(text).is_err() && any(text).is_err(), "{text}");
        }
        assert_eq!(time("5m"), Ok(Duration::from_secs(300)));
        for text in ["0s", "60", "2days", "soon"] {
            assert!(time(text).is_err(), "{text}");
        }
        assert!(moment("2014-09-03T07:00").is_ok() && moment("2014-09-03T07:00:30").is_ok());
        assert!(moment("2014-09-31T07:00").is_err() && moment("yesterday").is_err());
    }
}
