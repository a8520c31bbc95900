//! What is true of the accounts after any history of transfers.

use entity::{Id, account::Kind, customer::CustomerId, money::Currency, payment::Provider};
use proptest::prelude::*;

use super::*;
use crate::ledger::purse::Purse;

#[derive(Clone, Debug)]
enum Act {
    Post {
        debit: usize,
        credit: usize,
        amount: i64,
    },
    Hold {
        debit: usize,
        credit: usize,
        amount: i64,
    },
    /// A hold of those that there were, and how many hundredths of it.
    Settle {
        hold: usize,
        percent: i64,
    },
    Free {
        hold: usize,
    },
}

fn any_act() -> impl Strategy<Value = Act> {
    let movement =
        || (0..6_usize, 0..6_usize, prop_oneof![60 => 1..500_i64, 3 => Just(0), 1 => 1..i64::MAX]);
    prop_oneof![
        3 => movement().prop_map(|(debit, credit, amount)| Act::Post { debit, credit, amount }),
        2 => movement().prop_map(|(debit, credit, amount)| Act::Hold { debit, credit, amount }),
        1 => (any::<usize>(), 0..=100_i64).prop_map(|(hold, percent)| Act::Settle { hold, percent }),
        1 => any::<usize>().prop_map(|hold| Act::Free { hold }),
    ]
}

/// The accounts as the database keeps them: it refuses what its `CHECK`s refuse.
#[derive(Default)]
struct Books {
    accounts: BTreeMap<Name, Change>,
    holds: Vec<(usize, usize, i64)>,
}

const MOST: i64 = (1 << 62) - 1;

impl Books {
    fn book(&mut self, debit: usize, credit: usize, step: Step) -> bool {
        let names = names();
        let mut changes = Changes::default();
        if changes.add(&names[debit], &names[credit], step).is_err() {
            return false;
        }
        let mut after = Vec::new();
        for (name, change) in changes.0 {
            let before = self.accounts.get(&name).copied().unwrap_or_default();
            let Some(sum) = before.plus(change) else { return false };
            let sums = [sum.debits, sum.credits, sum.debits_pending, sum.credits_pending];
            if !sum.opens(name.kind) || sums.iter().any(|sum| *sum > MOST) {
                return false;
            }
            after.push((name, sum));
        }
        self.accounts.extend(after);
        true
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Post { debit, credit, amount } => {
                self.book(debit, credit, Step::of(Phase::Single, amount, 0));
            }
            Act::Hold { debit, credit, amount } => {
                if self.book(debit, credit, Step::of(Phase::Pending, amount, 0)) {
                    self.holds.push((debit, credit, amount));
                }
            }
            Act::Settle { hold, percent } => self.end(hold, |amount| {
                let part = i64::try_from(i128::from(amount) * i128::from(percent) / 100).unwrap();
                Step::of(Phase::Posted, part, amount)
            }),
            Act::Free { hold } => self.end(hold, |amount| Step::of(Phase::Voided, amount, amount)),
        }
    }

    /// What was reserved can always be taken or freed.
    fn end(&mut self, hold: usize, step: impl Fn(i64) -> Step) {
        if self.holds.is_empty() {
            return;
        }
        let (debit, credit, amount) = self.holds.swap_remove(hold % self.holds.len());
        assert!(self.book(debit, credit, step(amount)) || self.is_full());
    }

    fn is_full(&self) -> bool {
        self.accounts.values().any(|sums| sums.debits.max(sums.credits) > MOST / 2)
    }

    fn sum(&self, of: impl Fn(&Change) -> i64) -> i128 {
        self.accounts.values().map(|sums| i128::from(of(sums))).sum()
    }
}

fn names() -> [Name; 6] {
    let ann = CustomerId::from_uuid(uuid::Uuid::from_u128(1));
    let ben = CustomerId::from_uuid(uuid::Uuid::from_u128(2));
    let euros: Currency = "EUR".parse().unwrap();
    [
        Purse::wallet(ann),
        Purse::wallet(ben),
        Purse::deposit(ann),
        Purse::receivable(ann),
        Purse::clearing(Provider::Cash),
        Purse::TAX,
    ]
    .map(|purse| purse.name(euros))
}

proptest! {
    #[test]
    fn every_history_balances_and_overdraws_nobody(acts in prop::collection::vec(any_act(), 0..80)) {
        let mut books = Books::default();
        for act in &acts {
            books.act(act);
            prop_assert_eq!(books.sum(|sums| sums.debits), books.sum(|sums| sums.credits));
            let reserved: i128 = books.holds.iter().map(|(.., amount)| i128::from(*amount)).sum();
            if !books.is_full() {
                prop_assert_eq!(books.sum(|sums| sums.debits_pending), reserved);
                prop_assert_eq!(books.sum(|sums| sums.credits_pending), reserved);
            }
            for (name, sums) in books.accounts.iter().filter(|(name, _)| name.kind.is_limited()) {
                prop_assert!(sums.debits + sums.debits_pending <= sums.credits, "{name:?}");
            }
        }
    }

    #[test]
    fn a_group_does_what_its_transfers_do_one_after_the_other(
        moves in prop::collection::vec((0..6_usize, 0..6_usize, 1..1_000_000_i64), 1..20),
    ) {
        let names = names();
        let mut together = Changes::default();
        let mut singly: BTreeMap<Name, Change> = BTreeMap::new();
        for (debit, credit, amount) in moves.into_iter().filter(|(debit, credit, _)| debit != credit) {
            let step = Step::of(Phase::Single, amount, 0);
            together.add(&names[debit], &names[credit], step).unwrap();
            let mut one = Changes::default();
            one.add(&names[debit], &names[credit], step).unwrap();
            for (name, change) in one.0 {
                let sum = singly.entry(name).or_default();
                *sum = sum.plus(change).unwrap();
            }
        }
        prop_assert_eq!(together.0.into_iter().collect::<BTreeMap<_, _>>(), singly);
    }
}

#[test]
fn accounts_that_must_not_be_overdrawn_are_locked_first() {
    let mut kinds: Vec<_> = <Kind as sea_orm::Iterable>::iter().collect();
    let declared = kinds.clone();
    kinds.sort_by_key(|kind: &Kind| !kind.is_limited());
    assert_eq!(kinds, declared);
}
