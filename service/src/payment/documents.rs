//! Which steps of a payment are worth a receipt.

use entity::payment::{Model, State};

use crate::{
    error::Result,
    receipt::{self, Cause},
    write::Tx,
};

/// Goes after the books: receipts are numbered under the last lock but one.
pub(super) async fn follow(tx: &Tx, before: Option<&Model>, after: &Model) -> Result<()> {
    let was = before.map(|before| before.state);
    if was == Some(after.state) {
        return Ok(());
    }
    let cause = match after.state {
        State::Completed if was == Some(State::Reversed) => Cause::Reinstatement(after),
        State::Completed => Cause::Payment(after),
        State::Reversed => Cause::Reversal(after),
        _ => return Ok(()),
    };
    crate::fail::point("payment.before_receipt");
    receipt::issue(tx, cause).await.map(drop)
}
