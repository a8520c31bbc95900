//! Payments, followed: on the payer's device and at the desk.

use async_graphql::{Context, SimpleObject, Subscription};
use entity::{customer::CustomerId, payment::PaymentId};
use service::{
    ctx::Ctx,
    error::Invalid,
    event::{Event, Recorded},
    permission::Permission,
};

use super::{Payment, Refund};
use crate::{
    context::Call,
    error::Result,
    schema::{
        live::{self, Live, follow},
        scalar::{Cursor, DateTime, Gid},
    },
};

/// A change of a payment, or of one of its refunds.
#[derive(SimpleObject)]
pub struct PaymentStatusChanged {
    /// Subscribe with it as `after` to go on from here.
    cursor: Cursor,
    /// When.
    occurred_at: DateTime,
    /// The payment as this change left it.
    payment: Payment,
    /// The refund as this change left it; null when it is about the payment alone.
    refund: Option<Refund>,
}

const SNAPSHOT: &str = "query { payments(first: 100) { nodes { id state amount { amount currency } \
    refunded { amount } } } }";

#[derive(Default)]
pub struct PaymentSubscription;

#[Subscription]
impl PaymentSubscription {
    /// Each new state of one payment or of all of a customer's, and of their refunds. Customers follow their own, staff any.
    ///
    /// With `after`, first what happened since that cursor. One that cannot be served ends it with `RESYNC_REQUIRED`:
    /// query `payments` and subscribe again without `after`. It does not end by itself: completed money may be reversed.
    async fn payment_status_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment; give this or `customerId`.")] payment_id: Option<
            Gid<PaymentId>,
        >,
        #[graphql(
            desc = "Whose payments; give this or `paymentId`. A customer may leave out both."
        )]
        customer_id: Option<Gid<CustomerId>>,
        #[graphql(desc = "The newest cursor that you have; null starts now.")] after: Option<
            Cursor,
        >,
    ) -> Result<Live<PaymentStatusChanged>> {
        let call = ctx.call()?;
        let wanted = wanted(call, payment_id.map(|Gid(id)| id), customer_id.map(|Gid(id)| id));
        let (payment, customer) = wanted.await?;
        follow(ctx, SNAPSHOT, after, move |call, event| {
            let about = event.event.payment()?;
            let fits = payment.is_none_or(|id| about.id == id)
                && customer.is_none_or(|id| about.customer_id == id);
            fits.then(|| changed(call, event)).flatten()
        })
        .await
    }

    /// Each new state of every payment and refund, for the desk. Needs the permission to see payments.
    ///
    /// With `after`, first what happened since that cursor. One that cannot be served ends it with `RESYNC_REQUIRED`:
    /// query `payments` and subscribe again without `after`.
    async fn payment_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The newest cursor that you have; null starts now.")] after: Option<
            Cursor,
        >,
    ) -> Result<Live<PaymentStatusChanged>> {
        ctx.call()?.require(Permission::ViewPayments)?;
        follow(ctx, SNAPSHOT, after, changed).await
    }
}

/// What there is to follow, once it is clear that the caller may.
async fn wanted(
    call: &Ctx,
    payment: Option<PaymentId>,
    customer: Option<CustomerId>,
) -> service::Result<(Option<PaymentId>, Option<CustomerId>)> {
    let own = call.own_customer()?;
    call.require(if own.is_some() { Permission::Ride } else { Permission::ViewPayments })?;
    if let Some(id) = payment {
        service::payment::get(call, id).await?;
    }
    if let Some(id) = customer {
        service::customer::get(call, id).await?;
    }
    if own.or(customer).is_none() && payment.is_none() {
        return Err(Invalid::new("paymentId", "say which payment, or whose").into());
    }
    Ok((payment, own.or(customer)))
}

/// None for what changes nothing that anybody sees, such as the time of the next question to the provider.
fn changed(call: &Ctx, recorded: &Recorded) -> Option<PaymentStatusChanged> {
    let (payment, refund) = match &recorded.event {
        Event::PaymentChanged { before, after } => {
            let same = before.as_ref().is_some_and(|before| {
                before.state == after.state && before.captured_minor == after.captured_minor
            });
            (!same).then_some((after, None))?
        }
        Event::RefundChanged { refund, payment } => (payment, Some(Refund((**refund).clone()))),
        _ => return None,
    };
    Some(PaymentStatusChanged {
        cursor: live::cursor(call, recorded),
        occurred_at: DateTime(recorded.occurred_at),
        payment: Payment((**payment).clone()),
        refund,
    })
}
