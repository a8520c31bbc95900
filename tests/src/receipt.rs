//! Payments and refunds that are completed by hand, with their receipts: what a receipt is about, without any provider.

use entity::{
    payment::{self, Provider, Purpose},
    receipt, refund,
    rental::RentalId,
};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use service::{
    Result,
    ctx::Ctx,
    receipt::{Cause, issue},
    write::Tx,
};

use crate::{Fleet, key};

/// What somebody paid.
#[derive(Clone)]
pub struct Paid {
    pub customer: String,
    pub rental: Option<String>,
    pub purpose: Purpose,
    pub currency: &'static str,
    pub amount_minor: i64,
    /// In the provider's names for it.
    pub reference: String,
}

impl Paid {
    pub fn top_up(customer: &str, amount_minor: i64) -> Self {
        Self {
            customer: customer.to_owned(),
            rental: None,
            purpose: Purpose::TopUp,
            currency: "EUR",
            amount_minor,
            reference: key(),
        }
    }

    pub fn rental(customer: &str, rental: &str, amount_minor: i64) -> Self {
        let rental = Some(rental.to_owned());
        Self { rental, purpose: Purpose::Rental, ..Self::top_up(customer, amount_minor) }
    }

    pub fn model(&self, tx: &Tx) -> payment::Model {
        let reference = &self.reference;
        payment::Model {
            tenant_id: tx.tenant(),
            id: tx.new_id(),
            customer_id: self.customer.parse().unwrap(),
            rental_id: self.rental.as_ref().map(|id| id.parse::<RentalId>().unwrap()),
            purpose: self.purpose,
            provider: Provider::Demo,
            state: payment::State::Completed,
            manual_capture: false,
            currency: self.currency.parse().unwrap(),
            amount_minor: self.amount_minor,
            authorized_minor: 0,
            captured_minor: self.amount_minor,
            refunded_minor: 0,
            refunding_minor: 0,
            provider_reference: Some(format!("intent-{reference}")),
            provider_transaction: Some(format!("charge-{reference}")),
            next_action: None,
            failure_code: None,
            failure_message: None,
            version: 1,
            check_at: None,
            checks: 0,
            expires_at: None,
            completed_at: Some(tx.now()),
            created_at: tx.now(),
            updated_at: tx.now(),
        }
    }
}

/// In one write, as a payment is completed.
pub async fn pay(ctx: &Ctx, paid: Paid) -> Result<(payment::Model, receipt::Model)> {
    let paid = &paid;
    ctx.write(|tx| async move {
        let payment = paid.model(&tx).into_active_model().reset_all().insert(&*tx).await?;
        let receipt = issue(&tx, Cause::Payment(&payment)).await?;
        Ok((payment, receipt))
    })
    .await
}

/// Gives a part of it back.
pub async fn refund(
    ctx: &Ctx,
    payment: &payment::Model,
    amount_minor: i64,
) -> Result<(payment::Model, receipt::Model)> {
    ctx.write(|tx| async move {
        let refunded_minor = payment.refunded_minor + amount_minor;
        let payment = payment::Model { refunded_minor, ..payment.clone() };
        let payment = payment.into_active_model().reset_all().update(&*tx).await?;
        let refund = refund::Model {
            tenant_id: tx.tenant(),
            id: tx.new_id(),
            payment_id: payment.id,
            currency: payment.currency,
            amount_minor,
            state: refund::State::Completed,
            reason: None,
            provider_reference: Some(format!("refund-{}", key())),
            failure_code: None,
            failure_message: None,
            version: 1,
            check_at: None,
            checks: 0,
            locked_until: tx.now(),
            completed_at: Some(tx.now()),
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        let refund = refund.into_active_model().reset_all().insert(&*tx).await?;
        let receipt = issue(&tx, Cause::Refund(&payment, &refund)).await?;
        Ok((payment, receipt))
    })
    .await
}

/// The provider takes it back, or pays it again.
pub async fn turn(
    ctx: &Ctx,
    payment: &payment::Model,
    state: payment::State,
) -> Result<receipt::Model> {
    ctx.write(|tx| async move {
        let payment = payment::Model { state, ..payment.clone() };
        let payment = payment.into_active_model().reset_all().update(&*tx).await?;
        let cause = match state {
            payment::State::Reversed => Cause::Reversal(&payment),
            _ => Cause::Reinstatement(&payment),
        };
        issue(&tx, cause).await
    })
    .await
}

impl Fleet {
    /// A customer, and a ride of theirs that cost 5.50, 1.10 of it tax.
    pub async fn ridden(&self, test: &crate::TestApp) -> (crate::Rider, String) {
        let rider = self.rider(test).await;
        let station = self.station(5).await;
        let vehicle = self.vehicle_at(&station).await;
        let rental = crate::text(&rider.start_rental(&vehicle).await.ok()["rental"]["id"]);
        test.advance(chrono::Duration::minutes(34));
        let ended = rider.end_rental(&rental, &station).await.ok();
        assert_eq!(ended["rental"]["price"]["amount"], "5.50", "{ended}");
        (rider, rental)
    }
}
