//! Asking a customer for money.

use entity::{
    Id,
    customer::CustomerId,
    payment::{Model, Provider, Purpose, State},
    payment_attempt::AttemptId,
    rental::RentalId,
};
use rust_decimal::Decimal;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde::Serialize;

use super::{
    ONE_OPEN_PER_RENTAL, account,
    call::{self, Ours, Request},
    due::{self, Due},
    provider::Charge,
    schedule,
};
use crate::{
    ctx::Ctx,
    error::{Invalid, OnConstraint, Result},
    event::Event,
    idempotency::Once,
    refusal::Refusal,
    text,
    write::Tx,
};

/// What the money is for.
#[derive(Clone, Debug, Serialize)]
pub enum For {
    /// What a rental came to, or a part of it.
    Rental(RentalId),
    /// Off what a customer owes in all. None: the caller's own.
    Balance(Option<CustomerId>),
    /// Into the wallet.
    TopUp(Option<CustomerId>),
    /// Held as security for the next rental.
    Deposit(Option<CustomerId>),
}

#[derive(Clone, Debug, Serialize)]
pub struct CreatePayment {
    pub purpose: For,
    pub provider: Provider,
    /// In the tenant's currency, or the rental's. None: all that is due.
    pub amount: Option<Decimal>,
    /// As the provider knows it: a token of a card, a phone, a mandate.
    pub method: Option<String>,
    /// Hold it now, capture it later.
    pub manual_capture: bool,
    pub return_url: Option<String>,
}

/// The payment once the provider has answered; how it goes on, `payment_changed` tells.
///
/// Of many calls with one key, one asks the provider, and all get that one's answer.
pub async fn create(ctx: &Ctx, input: CreatePayment, key: &str) -> Result<Model> {
    due::may_pay(ctx)?;
    check(&input)?;
    let (input, ours) = (&input, &Ours::default());
    crate::fail::point("payment.before_attempt");
    let begun = ctx
        .write_once(Once { operation: "create_payment", key, input }, |tx| async move {
            let due = due::of(&tx, &input.purpose, input.amount).await?;
            account::offers(&tx, input.provider, due.amount).await?;
            let payment = keep(&tx, input, &due).await?;
            let charge = charge(&tx, input, &payment)?;
            let request = (charge.attempt, Request::Charge(Box::new(charge)));
            call::begin(&tx, &payment, payment.amount_minor, request, ours).await
        })
        .await?;
    call::conclude(ctx, begun, ours).await
}

fn check(input: &CreatePayment) -> Result<()> {
    if matches!(input.provider, Provider::Cash | Provider::Wallet) {
        let message = "cash is recorded by staff, and a wallet pays by payFromWallet";
        return Err(Invalid::new("provider", message).into());
    }
    text::optional("paymentMethod", input.method.as_deref(), 255)?;
    if let Some(url) = &input.return_url {
        let fits = url.starts_with("https://") || url.starts_with("http://");
        if !fits || url.len() > 2_000 || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Invalid::new("returnUrl", "must be a URL that begins with https://").into());
        }
    }
    Ok(())
}

async fn keep(tx: &Tx, input: &CreatePayment, due: &Due) -> Result<Model> {
    let payment = fresh(tx, due, input.provider, State::Pending);
    let held = matches!(input.purpose, For::Deposit(_));
    let payment = Model { manual_capture: input.manual_capture || held, ..payment };
    insert(tx, payment).await
}

/// A payment that nothing has happened to.
pub(super) fn fresh(tx: &Tx, due: &Due, provider: Provider, state: State) -> Model {
    let mut payment = Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        customer_id: due.customer,
        rental_id: due.rental,
        purpose: due.purpose,
        provider,
        state,
        manual_capture: false,
        currency: due.amount.currency(),
        amount_minor: due.amount.minor(),
        authorized_minor: 0,
        captured_minor: 0,
        refunded_minor: 0,
        refunding_minor: 0,
        provider_reference: None,
        provider_transaction: None,
        next_action: None,
        failure_code: None,
        failure_message: None,
        version: 1,
        check_at: None,
        checks: 0,
        expires_at: None,
        completed_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    payment.check_at = schedule::next(&payment, tx.now());
    payment
}

/// Keeps a new payment, and tells the books and everyone.
pub(super) async fn insert(tx: &Tx, payment: Model) -> Result<Model> {
    let row = payment.into_active_model().reset_all();
    let payment =
        row.insert(&**tx).await.on_constraint(ONE_OPEN_PER_RENTAL, Refusal::PaymentUnderWay)?;
    super::books::follow(tx, None, &payment).await?;
    super::documents::follow(tx, None, &payment).await?;
    tx.audit("payment.create", None, Some(&payment))?;
    tx.record(Event::PaymentChanged { before: None, after: Box::new(payment.clone()) });
    Ok(payment)
}

/// What the payer reads on a statement: the end of an id, which is chance. Its beginning is the time, which many share.
pub(super) fn account_reference(payment: &Model) -> String {
    let short = payment.rental_id.map_or_else(|| payment.id.uuid(), |rental| rental.uuid());
    short.simple().to_string().chars().skip(20).collect::<String>().to_uppercase()
}

fn charge(tx: &Tx, input: &CreatePayment, payment: &Model) -> Result<Charge> {
    let account_reference = account_reference(payment);
    let description = match payment.purpose {
        Purpose::Rental => "Rental",
        Purpose::Deposit => "Deposit",
        Purpose::TopUp => "Top-up",
        Purpose::Balance => "Balance",
    };
    Ok(Charge {
        payment: payment.id,
        attempt: tx.new_id::<AttemptId>(),
        customer: payment.customer_id,
        amount: payment.amount(),
        manual_capture: payment.manual_capture,
        method: text::optional("paymentMethod", input.method.as_deref(), 255)?,
        off_session: false,
        return_url: input.return_url.clone(),
        callback_url: super::webhook::url_of(tx.ctx(), payment),
        description: format!("{description} {account_reference}"),
        account_reference,
        asked_at: tx.now(),
    })
}
