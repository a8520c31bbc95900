//! What each step of a payment or refund books: the one place where payments meet the ledger.
//!
//! References are made of the payment and the step, and the ledger takes none twice: a step that is told twice books once.

use entity::{
    money::Money,
    payment::{Model, Provider, Purpose, State},
    refund,
    transfer::Kind,
};

use crate::{
    error::Result,
    ledger::{self, Entry, Purse, reference},
    write::Tx,
};

/// Follows a payment from one state to the next.
pub(super) async fn follow(tx: &Tx, before: Option<&Model>, after: &Model) -> Result<()> {
    let was = before.map(|before| before.state);
    if was == Some(after.state) && before.is_some_and(|b| b.captured_minor == after.captured_minor)
    {
        return Ok(());
    }
    match after.state {
        State::Authorized if before.is_none_or(|before| before.authorized_minor == 0) => {
            ledger::hold(tx, &movement(after, after.amount(), "hold")).await
        }
        State::Completed if was == Some(State::Reversed) => reinstate(tx, after).await,
        State::Completed => capture(tx, before, after).await,
        State::Reversed => reverse(tx, after).await,
        State::Canceled | State::Expired | State::Failed => free(tx, before, after).await,
        State::RequiresAction
        | State::Pending
        | State::Processing
        | State::Authorized
        | State::Unknown => Ok(()),
    }
}

/// A deposit that was taken pays what the customer owes; what is more than that goes to the wallet.
async fn spend_deposit(tx: &Tx, payment: &Model) -> Result<()> {
    if payment.purpose != Purpose::Deposit {
        return Ok(());
    }
    let receivable = Purse::receivable(payment.customer_id);
    let owed = ledger::balance(&**tx, tx.tenant(), receivable, payment.currency).await?;
    let paid = payment.of(owed.minor().clamp(0, payment.captured_minor));
    let entry = Entry {
        debit: Purse::deposit(payment.customer_id),
        credit: Purse::receivable(payment.customer_id),
        amount: paid,
        kind: Kind::Payment,
        reference: reference(payment.id, "deposit_spent"),
        rental: payment.rental_id,
        payment: Some(payment.id),
    };
    let left = payment.of(payment.captured_minor - paid.minor());
    let rest = Entry {
        credit: Purse::wallet(payment.customer_id),
        amount: left,
        reference: reference(payment.id, "deposit_left"),
        ..entry.clone()
    };
    ledger::post_once(tx, &[entry, rest]).await.map(drop)
}

/// A refund is decided on: what is in a wallet cannot be spent meanwhile.
pub(super) async fn begin_refund(tx: &Tx, payment: &Model, refund: &refund::Model) -> Result<()> {
    if payment.purpose == Purpose::TopUp {
        ledger::hold(tx, &refunding(payment, refund, "hold")).await?;
    }
    Ok(())
}

pub(super) async fn finish_refund(tx: &Tx, payment: &Model, refund: &refund::Model) -> Result<()> {
    if payment.purpose == Purpose::TopUp {
        let (hold, done) = (reference(refund.id, "hold"), reference(refund.id, "refunded"));
        return ledger::settle_hold(tx, &hold, refund.amount(), Kind::Refund, done).await.map(drop);
    }
    ledger::post_once(tx, &[refunding(payment, refund, "refunded")]).await.map(drop)
}

pub(super) async fn fail_refund(tx: &Tx, payment: &Model, refund: &refund::Model) -> Result<()> {
    if payment.purpose == Purpose::TopUp {
        let (hold, done) = (reference(refund.id, "hold"), reference(refund.id, "failed"));
        ledger::void_hold(tx, &hold, done).await?;
    }
    Ok(())
}

async fn capture(tx: &Tx, before: Option<&Model>, after: &Model) -> Result<()> {
    let captured = movement(after, after.captured(), "captured");
    if before.is_some_and(|before| before.authorized_minor > 0) {
        let hold = reference(after.id, "hold");
        ledger::settle_hold(tx, &hold, after.captured(), captured.kind, captured.reference).await?;
        return spend_deposit(tx, after).await;
    }
    ledger::post_once(tx, &[captured]).await.map(drop)
}

async fn free(tx: &Tx, before: Option<&Model>, after: &Model) -> Result<()> {
    if before.is_none_or(|before| before.authorized_minor == 0) {
        return Ok(());
    }
    let (hold, freed) = (reference(after.id, "hold"), reference(after.id, "freed"));
    match after.state {
        State::Expired => ledger::expire_hold(tx, &hold, freed).await.map(drop),
        _ => ledger::void_hold(tx, &hold, freed).await.map(drop),
    }
}

/// The customer owes again, whatever has become of the money.
async fn reverse(tx: &Tx, payment: &Model) -> Result<()> {
    ledger::post_once(tx, &[back(payment)]).await.map(drop)
}

async fn reinstate(tx: &Tx, payment: &Model) -> Result<()> {
    let gone = back(payment);
    let again = Entry {
        debit: gone.credit,
        credit: gone.debit,
        reference: reference(payment.id, format_args!("reinstated:{}", payment.version)),
        ..gone
    };
    ledger::post_once(tx, &[again]).await.map(drop)
}

fn back(payment: &Model) -> Entry {
    Entry {
        debit: Purse::receivable(payment.customer_id),
        credit: source(payment),
        amount: payment.of(payment.captured_minor - payment.refunded_minor),
        kind: Kind::Reversal,
        reference: reference(payment.id, format_args!("reversed:{}", payment.version)),
        rental: payment.rental_id,
        payment: Some(payment.id),
    }
}

/// From where the money comes to what it is for.
fn movement(payment: &Model, amount: Money, act: &str) -> Entry {
    let customer = payment.customer_id;
    let (credit, kind) = match payment.purpose {
        Purpose::Rental | Purpose::Balance => (Purse::receivable(customer), Kind::Payment),
        Purpose::TopUp => (Purse::wallet(customer), Kind::TopUp),
        Purpose::Deposit => (Purse::deposit(customer), Kind::Deposit),
    };
    let kind = if payment.provider == Provider::Wallet { Kind::WalletPayment } else { kind };
    Entry {
        debit: source(payment),
        credit,
        amount,
        kind,
        reference: reference(payment.id, act),
        rental: payment.rental_id,
        payment: Some(payment.id),
    }
}

fn refunding(payment: &Model, refund: &refund::Model, act: &str) -> Entry {
    let debit = match payment.purpose {
        Purpose::TopUp => Purse::wallet(payment.customer_id),
        Purpose::Rental | Purpose::Balance | Purpose::Deposit => Purse::REFUNDS,
    };
    Entry {
        debit,
        credit: source(payment),
        amount: refund.amount(),
        kind: Kind::Refund,
        reference: reference(refund.id, act),
        rental: payment.rental_id,
        payment: Some(payment.id),
    }
}

fn source(payment: &Model) -> Purse {
    match payment.provider {
        Provider::Wallet => Purse::wallet(payment.customer_id),
        provider => Purse::clearing(provider),
    }
}
