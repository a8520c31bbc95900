//! What transfers do to accounts: pure, without a database.

use std::collections::BTreeMap;

use entity::{account::Kind, transfer::Phase};

use super::purse::Name;

/// What is added to an account's four sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub debits: i64,
    pub credits: i64,
    pub debits_pending: i64,
    pub credits_pending: i64,
}

/// The amount is no amount, both accounts are the same, or a sum is beyond all sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a movement of money from one account to another")]
pub(super) struct NoMovement;

/// What one transfer does to the sums of each of its two sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    posted: i64,
    pending: i64,
}

impl Step {
    /// `reserved` is the amount of the pending transfer that this one ends.
    pub fn of(phase: Phase, amount: i64, reserved: i64) -> Self {
        match phase {
            Phase::Single => Self { posted: amount, pending: 0 },
            Phase::Pending => Self { posted: 0, pending: amount },
            Phase::Posted => Self { posted: amount, pending: -reserved },
            Phase::Voided | Phase::Expired => Self { posted: 0, pending: -reserved },
        }
    }
}

impl Change {
    fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            debits: self.debits.checked_add(other.debits)?,
            credits: self.credits.checked_add(other.credits)?,
            debits_pending: self.debits_pending.checked_add(other.debits_pending)?,
            credits_pending: self.credits_pending.checked_add(other.credits_pending)?,
        })
    }

    /// Whether an account of this kind could begin with it. Only such a change can be offered as a new row: the database
    /// checks a row that is offered before it finds that the account is there already.
    pub fn opens(self, kind: Kind) -> bool {
        let Self { debits, credits, debits_pending, credits_pending } = self;
        let none_negative =
            [debits, credits, debits_pending, credits_pending].iter().all(|sum| *sum >= 0);
        none_negative
            && (!kind.is_limited()
                || i128::from(debits) + i128::from(debits_pending) <= i128::from(credits))
    }
}

/// The changes of several transfers, by account and in the order in which accounts are locked.
#[derive(Debug, Default)]
pub(super) struct Changes(pub BTreeMap<Name, Change>);

impl Changes {
    pub fn add(&mut self, debit: &Name, credit: &Name, step: Step) -> Result<(), NoMovement> {
        if debit == credit || debit.currency != credit.currency || step.posted < 0 {
            return Err(NoMovement);
        }
        let Step { posted, pending } = step;
        let left = Change { debits: posted, debits_pending: pending, ..Change::default() };
        let right = Change { credits: posted, credits_pending: pending, ..Change::default() };
        for (name, change) in [(debit, left), (credit, right)] {
            let sum = self.0.entry(name.clone()).or_default();
            *sum = sum.plus(change).ok_or(NoMovement)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod properties;
