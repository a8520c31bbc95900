//! What a rental came to, as the customer's debt.

use entity::{money::Money, rental, transfer::Kind};

use super::{Entry, Purse, post, reference};
use crate::{error::Result, rental::pricing::Line, write::Tx};

/// Each line of its price is a transfer, named by its position. What a cap takes off goes back.
pub(crate) async fn charge(tx: &Tx, rental: &rental::Model, lines: &[Line]) -> Result<()> {
    let owed = Purse::receivable(rental.customer_id);
    let entries = (0..).zip(lines).map(|(position, line): (u32, &Line)| {
        let other = Purse::of_line(line.kind);
        let (debit, credit) = if line.amount_minor < 0 { (other, owed) } else { (owed, other) };
        Entry {
            debit,
            credit,
            amount: Money::new(line.amount_minor.saturating_abs(), rental.currency),
            kind: Kind::Charge,
            reference: reference(rental.id, position),
            rental: Some(rental.id),
            payment: None,
        }
    });
    post(tx, &entries.collect::<Vec<_>>()).await
}
