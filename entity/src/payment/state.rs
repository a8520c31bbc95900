//! How far a payment has come, and every way it may go on: the one table.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// In Stripe's words where it has them.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The payer has something to do.
    RequiresAction,
    /// Written down, and on its way to the provider.
    Pending,
    /// With the provider, which will tell.
    Processing,
    /// The money is held, not taken.
    Authorized,
    /// The money is here.
    Completed,
    /// The provider said no. For ever: another try is another payment.
    Failed,
    /// Called off before any money moved.
    Canceled,
    /// Nobody answered in time; a late success still counts.
    Expired,
    /// The provider's answer was lost; it is asked until it is known.
    Unknown,
    /// Taken back after it was completed.
    Reversed,
}

/// What a provider, a person or the clock tells of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum Step {
    RequireAction,
    Process,
    Authorize,
    Complete,
    Decline,
    Cancel,
    Expire,
    /// The answer to a call did not arrive.
    Lose,
    Reverse,
}

/// The step leads back, or contradicts what is known for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payment that is {state:?} cannot {step:?}")]
pub struct Refused {
    pub state: State,
    pub step: Step,
}

impl State {
    /// Nothing more is expected of the provider.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Canceled | Self::Expired | Self::Reversed => {
                true
            }
            Self::RequiresAction
            | Self::Pending
            | Self::Processing
            | Self::Authorized
            | Self::Unknown => false,
        }
    }

    /// Where a step leads. Staying is a way too: what is told twice changes nothing.
    pub fn after(self, step: Step) -> Result<Self, Refused> {
        use State::{
            Authorized, Canceled, Completed, Expired, Failed, Pending, Processing, RequiresAction,
            Reversed, Unknown,
        };
        match (self, step) {
            // Whoever is still open may hear anything but that it was taken back.
            (Pending | RequiresAction | Unknown, Step::RequireAction) => Ok(RequiresAction),
            (Pending | RequiresAction | Processing | Unknown | Expired, Step::Process) => {
                Ok(Processing)
            }
            (
                Pending | RequiresAction | Processing | Authorized | Unknown | Expired,
                Step::Authorize,
            ) => Ok(Authorized),
            (
                Pending | RequiresAction | Processing | Authorized | Unknown | Expired | Completed
                // A chargeback that was won.
                | Reversed,
                Step::Complete,
            ) => Ok(Completed),
            // A capture that is declined leaves the hold as it is.
            (Pending | RequiresAction | Processing | Unknown | Expired | Failed, Step::Decline) => {
                Ok(Failed)
            }
            (
                Pending | RequiresAction | Processing | Authorized | Unknown | Expired | Canceled,
                Step::Cancel,
            ) => Ok(Canceled),
            (
                Pending | RequiresAction | Processing | Authorized | Unknown | Expired,
                Step::Expire,
            ) => Ok(Expired),
            (Pending | RequiresAction | Processing | Authorized | Unknown, Step::Lose) => {
                Ok(Unknown)
            }
            (Completed | Reversed, Step::Reverse) => Ok(Reversed),

            (Authorized, Step::RequireAction | Step::Process | Step::Decline)
            | (Processing | Expired, Step::RequireAction)
            | (Expired, Step::Lose)
            | (Pending | RequiresAction | Processing | Authorized | Unknown | Expired, Step::Reverse)
            | (
                Completed | Reversed,
                Step::RequireAction
                | Step::Process
                | Step::Authorize
                | Step::Decline
                | Step::Cancel
                | Step::Expire
                | Step::Lose,
            )
            | (
                Failed,
                Step::RequireAction
                | Step::Process
                | Step::Authorize
                | Step::Complete
                | Step::Cancel
                | Step::Expire
                | Step::Lose
                | Step::Reverse,
            )
            | (
                Canceled,
                Step::RequireAction
                | Step::Process
                | Step::Authorize
                | Step::Complete
                | Step::Decline
                | Step::Expire
                | Step::Lose
                | Step::Reverse,
            ) => Err(Refused { state: self, step }),
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::{State, Step};

    #[test]
    fn a_late_success_revives_what_is_not_known_and_never_a_no() {
        for state in [State::Expired, State::Unknown, State::Pending, State::Processing] {
            assert_eq!(state.after(Step::Complete), Ok(State::Completed));
        }
        for state in [State::Failed, State::Canceled] {
            assert!(state.after(Step::Complete).is_err(), "{state:?}");
        }
    }

    #[test]
    fn money_that_came_is_only_ever_taken_back() {
        for step in Step::iter() {
            let after = State::Completed.after(step);
            assert_eq!(after.is_ok(), matches!(step, Step::Complete | Step::Reverse), "{step:?}");
        }
    }

    #[test]
    fn what_is_told_twice_changes_nothing() {
        for state in State::iter() {
            for step in Step::iter() {
                if let Ok(once) = state.after(step) {
                    assert_eq!(once.after(step), Ok(once), "{state:?} {step:?}");
                }
            }
        }
    }

    #[test]
    fn every_state_can_be_reached_and_none_that_is_open_is_a_trap() {
        let mut reached = vec![State::Pending];
        let mut at = 0;
        while let Some(state) = reached.get(at).copied() {
            let next = Step::iter().filter_map(|step| state.after(step).ok());
            for state in next {
                if !reached.contains(&state) {
                    reached.push(state);
                }
            }
            at += 1;
        }
        assert_eq!(reached.len(), State::iter().count());
        for state in State::iter().filter(|state| !state.is_settled()) {
            for end in [Step::Complete, Step::Cancel, Step::Expire] {
                assert!(state.after(end).is_ok(), "{state:?} {end:?}");
            }
        }
    }
}
