//! Why an attempt failed, in words that whoever looks after the jobs may read: no secrets, and no text of the database.

use super::store::Claimed;
use crate::error::Error;

/// A reason of somebody else's, such as a provider's, that may be shown as it is. Put it into `Error::Unavailable`, or into
/// `Error::Internal` where nobody outside is at fault.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Reason(pub String);

#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub text: String,
    /// Whether another attempt could end otherwise.
    worth_another: bool,
}

impl Failure {
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Unavailable(source) => Self::again(shown(source).unwrap_or(
                "the database or another service did not answer; the worker's log tells more",
            )),
            Error::Internal(source) => {
                Self::again(shown(source).unwrap_or("a defect; the worker's log tells more"))
            }
            Error::RateLimited { .. } | Error::ResyncRequired => Self::again(&error.to_string()),
            Error::Refused(refusal) => {
                Self::last(format!("{}: {refusal}", refusal.code().as_str()))
            }
            Error::NotFound(_) | Error::Unauthenticated | Error::Forbidden | Error::Invalid(_) => {
                Self::last(error.to_string())
            }
        }
    }

    pub fn panicked() -> Self {
        Self::again("a defect: it panicked; the worker's log tells more")
    }

    /// Perhaps by a newer version that has not replaced all nodes yet.
    pub fn unreadable() -> Self {
        Self::again("this version cannot read the job")
    }

    pub fn worker_died() -> Self {
        Self::last("the process that ran it ended, each time it was tried".to_owned())
    }

    pub fn is_last(&self, claimed: &Claimed) -> bool {
        !self.worth_another || claimed.attempt >= claimed.most_attempts
    }

    fn again(text: &str) -> Self {
        Self { text: text.to_owned(), worth_another: true }
    }

    fn last(text: String) -> Self {
        Self { text, worth_another: false }
    }
}

fn shown(source: &crate::error::BoxError) -> Option<&str> {
    source.downcast_ref::<Reason>().map(|Reason(text)| text.as_str())
}

#[cfg(test)]
mod tests {
    use sea_orm::DbErr;

    use super::*;
    use crate::{error::Subject, refusal::Refusal};

    #[test]
    fn what_the_database_says_is_for_the_log() {
        let secret = || DbErr::Custom("column `hunter2` of relation".into());
        for error in [secret().into(), Error::Unavailable(secret().into())] {
            assert!(!Failure::of(&error).text.contains("hunter2"));
            assert!(Failure::of(&error).worth_another);
        }
        let told = Error::Unavailable(Reason("the provider answered 503".into()).into());
        assert_eq!(Failure::of(&told).text, "the provider answered 503");
    }

    #[test]
    fn what_would_end_the_same_is_not_tried_again() {
        for error in [Refusal::VehicleTaken.into(), Error::NotFound(Subject::Rental)] {
            assert!(!Failure::of(&error).worth_another, "{error}");
        }
        let refused = Failure::of(&Refusal::VehicleTaken.into());
        assert_eq!(refused.text, "VEHICLE_TAKEN: this vehicle is on a trip");
    }
}
