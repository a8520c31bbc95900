//! Asking for money, going on with it, and giving it back.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use entity::{customer::CustomerId, payment::PaymentId, rental::RentalId};
use service::{
    error::Invalid,
    payment::{
        change::{self, CancelPayment, CapturePayment, ConfirmPayment},
        create::{self, CreatePayment, For},
        immediate::{self, PayFromWallet, RecordCashPayment},
        refund::{self, RefundPayment, Refunded},
    },
};

use super::{Payment, PaymentProvider, Refund};
use crate::{
    context::Call,
    error::Result,
    schema::{
        outcome::{UserError, outcome, payload},
        scalar::{Decimal, Gid},
        with,
    },
};

/// Money to ask a customer for: for a rental, or off what the customer owes.
#[derive(InputObject)]
pub struct CreatePaymentInput {
    /// The ended rental that it pays; without it, it is for all that the customer owes.
    rental_id: Option<Gid<RentalId>>,
    /// Who pays, where it is for no rental: staff must say it, customers need not.
    customer_id: Option<Gid<CustomerId>>,
    /// Hold it as security for the next rental, instead of paying anything. Needs `amount`.
    #[graphql(default)]
    deposit: bool,
    /// By whom.
    provider: PaymentProvider,
    /// Major units, more than 0 and at most what is due; all that is due when not given.
    amount: Option<Decimal>,
    /// How to pay, as the provider knows it: a token of a card, a phone in E.164, a mandate. The demo provider knows
    /// `demo_success`, `demo_decline`, `demo_action`, `demo_timeout` and `demo_silent`.
    payment_method: Option<String>,
    /// Only hold the money, to be taken by `capturePayment`.
    #[graphql(default)]
    manual_capture: bool,
    /// Where the payer's browser comes back to, when it has to leave.
    return_url: Option<String>,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

/// Money into a customer's wallet.
#[derive(InputObject)]
pub struct TopUpWalletInput {
    /// Whose: staff must say it, customers need not.
    customer_id: Option<Gid<CustomerId>>,
    /// By whom.
    provider: PaymentProvider,
    /// Major units of the tenant's currency, more than 0.
    amount: Decimal,
    /// As in `createPayment`.
    payment_method: Option<String>,
    /// Where the payer's browser comes back to, when it has to leave.
    return_url: Option<String>,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

/// A payment that the payer has acted for.
#[derive(InputObject)]
pub struct ConfirmPaymentInput {
    /// Which.
    payment_id: Gid<PaymentId>,
    /// Another method, where the first one did not do.
    payment_method: Option<String>,
    /// Where the payer's browser comes back to, when it has to leave.
    return_url: Option<String>,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

/// Money to take of what is held.
#[derive(InputObject)]
pub struct CapturePaymentInput {
    /// Which.
    payment_id: Gid<PaymentId>,
    /// Major units, at most what is held, and the rest is let go; all of it when not given.
    amount: Option<Decimal>,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

/// A payment to call off.
#[derive(InputObject)]
pub struct CancelPaymentInput {
    /// Which.
    payment_id: Gid<PaymentId>,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

/// Money to give back.
#[derive(InputObject)]
pub struct RefundPaymentInput {
    /// Of which payment.
    payment_id: Gid<PaymentId>,
    /// Major units, at most what is left of it; all of that when not given.
    amount: Option<Decimal>,
    /// Why, up to 500 characters.
    reason: Option<String>,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

/// Something to pay from a wallet.
#[derive(InputObject)]
pub struct PayFromWalletInput {
    /// The ended rental that it pays; without it, it is for all that the customer owes.
    rental_id: Option<Gid<RentalId>>,
    /// Whose wallet, where it is for no rental: staff must say it, customers need not.
    customer_id: Option<Gid<CustomerId>>,
    /// Major units, at most what is due; all of it when not given.
    amount: Option<Decimal>,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

/// Money that staff has in hand.
#[derive(InputObject)]
pub struct RecordCashPaymentInput {
    /// The ended rental that it pays.
    rental_id: Option<Gid<RentalId>>,
    /// Who paid, where it is for no rental.
    customer_id: Option<Gid<CustomerId>>,
    /// It goes into the wallet, instead of paying what is owed. Needs `amount`.
    #[graphql(default)]
    top_up: bool,
    /// Major units, at most what is due; all of it when not given.
    amount: Option<Decimal>,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

payload!(
    /// What `createPayment` answers.
    CreatePaymentPayload {
        /// The payment as the provider's first answer left it: follow it by `paymentStatusChanged`. Null when refused.
        payment: Payment
    }
);
payload!(
    /// What `topUpWallet` answers.
    TopUpWalletPayload {
        /// The payment as the provider's first answer left it; null when refused.
        payment: Payment
    }
);
payload!(
    /// What `confirmPayment` answers.
    ConfirmPaymentPayload {
        /// The payment as the provider's answer left it; null when refused.
        payment: Payment
    }
);
payload!(
    /// What `capturePayment` answers.
    CapturePaymentPayload {
        /// The payment as the provider's answer left it; null when refused.
        payment: Payment
    }
);
payload!(
    /// What `cancelPayment` answers.
    CancelPaymentPayload {
        /// The payment as the provider's answer left it; null when refused.
        payment: Payment
    }
);
payload!(
    /// What `payFromWallet` answers.
    PayFromWalletPayload {
        /// The completed payment; null when refused.
        payment: Payment
    }
);
payload!(
    /// What `recordCashPayment` answers.
    RecordCashPaymentPayload {
        /// The completed payment; null when refused.
        payment: Payment
    }
);

/// What `refundPayment` answers.
#[derive(SimpleObject)]
pub struct RefundPaymentPayload {
    /// The refund as the provider's answer left it; null when refused.
    refund: Option<Refund>,
    /// The payment with it; null when refused.
    payment: Option<Payment>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
}

impl RefundPaymentPayload {
    fn from_outcome(result: service::Result<Refunded>) -> Result<Self> {
        let (done, user_errors) = outcome(result)?;
        let (refund, payment) = done.map(|done| (done.refund, done.payment)).unzip();
        Ok(Self { refund: refund.map(Refund), payment: payment.map(Payment), user_errors })
    }
}

/// A rental, or what somebody owes.
fn purpose(rental: Option<Gid<RentalId>>, customer: Option<Gid<CustomerId>>) -> For {
    match rental {
        Some(Gid(id)) => For::Rental(id),
        None => For::Balance(customer.map(|Gid(id)| id)),
    }
}

impl CreatePaymentInput {
    fn input(&self) -> service::Result<CreatePayment> {
        let purpose = match (self.deposit, self.rental_id) {
            (true, Some(_)) => {
                let message = "a deposit is for the next rental: leave the rental out";
                return Err(Invalid::new("rentalId", message).into());
            }
            (true, None) => For::Deposit(self.customer_id.map(|Gid(id)| id)),
            (false, _) => purpose(self.rental_id, self.customer_id),
        };
        Ok(CreatePayment {
            purpose,
            provider: self.provider.into(),
            amount: self.amount.map(|Decimal(amount)| amount),
            method: self.payment_method.clone(),
            manual_capture: self.manual_capture,
            return_url: self.return_url.clone(),
        })
    }
}

#[derive(Default)]
pub struct PaymentMutation;

#[Object]
impl PaymentMutation {
    /// Asks a customer for money, and answers when the provider has. Customers for themselves, staff for anyone.
    async fn create_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What for, and by whom.")] input: CreatePaymentInput,
    ) -> Result<CreatePaymentPayload> {
        let (call, key) = (ctx.call()?, &input.idempotency_key);
        CreatePaymentPayload::from_outcome(
            with(input.input(), |wanted| create::create(call, wanted, key)).await,
        )
    }

    /// Pays into a customer's wallet. Customers into their own, staff into any.
    async fn top_up_wallet(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much, and by whom.")] input: TopUpWalletInput,
    ) -> Result<TopUpWalletPayload> {
        let wanted = CreatePayment {
            purpose: For::TopUp(input.customer_id.map(|Gid(id)| id)),
            provider: input.provider.into(),
            amount: Some(input.amount.0),
            method: input.payment_method,
            manual_capture: false,
            return_url: input.return_url,
        };
        TopUpWalletPayload::from_outcome(
            create::create(ctx.call()?, wanted, &input.idempotency_key).await,
        )
    }

    /// Goes on with a payment after the payer has acted. Fails with `PAYMENT_STATE_CONFLICT` when there is nothing to go on with.
    async fn confirm_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment.")] input: ConfirmPaymentInput,
    ) -> Result<ConfirmPaymentPayload> {
        let wanted = ConfirmPayment {
            payment: input.payment_id.0,
            method: input.payment_method,
            return_url: input.return_url,
        };
        ConfirmPaymentPayload::from_outcome(
            change::confirm(ctx.call()?, wanted, &input.idempotency_key).await,
        )
    }

    /// Takes all or part of what a payment holds, and lets the rest go. Staff only.
    async fn capture_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment, and how much.")] input: CapturePaymentInput,
    ) -> Result<CapturePaymentPayload> {
        let amount = input.amount.map(|Decimal(amount)| amount);
        let wanted = CapturePayment { payment: input.payment_id.0, amount };
        CapturePaymentPayload::from_outcome(
            change::capture(ctx.call()?, wanted, &input.idempotency_key).await,
        )
    }

    /// Calls a payment off before its money has moved, or lets go what it holds. Customers their own, staff any.
    async fn cancel_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment.")] input: CancelPaymentInput,
    ) -> Result<CancelPaymentPayload> {
        let wanted = CancelPayment { payment: input.payment_id.0 };
        CancelPaymentPayload::from_outcome(
            change::cancel(ctx.call()?, wanted, &input.idempotency_key).await,
        )
    }

    /// Gives back all or part of a completed payment, never more than was taken: `REFUND_EXCEEDS_PAYMENT`. Staff only.
    async fn refund_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment, and how much.")] input: RefundPaymentInput,
    ) -> Result<RefundPaymentPayload> {
        let wanted = RefundPayment {
            payment: input.payment_id.0,
            amount: input.amount.map(|Decimal(amount)| amount),
            reason: input.reason,
        };
        RefundPaymentPayload::from_outcome(
            refund::refund(ctx.call()?, wanted, &input.idempotency_key).await,
        )
    }

    /// Pays from the customer's wallet, at once. More than it has fails with `INSUFFICIENT_FUNDS`. Customers from their own,
    /// staff from any.
    async fn pay_from_wallet(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What, and how much.")] input: PayFromWalletInput,
    ) -> Result<PayFromWalletPayload> {
        let wanted = PayFromWallet {
            purpose: purpose(input.rental_id, input.customer_id),
            amount: input.amount.map(|Decimal(amount)| amount),
        };
        PayFromWalletPayload::from_outcome(
            immediate::from_wallet(ctx.call()?, wanted, &input.idempotency_key).await,
        )
    }

    /// Records money that staff has in hand. Staff only.
    async fn record_cash_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What for, and how much.")] input: RecordCashPaymentInput,
    ) -> Result<RecordCashPaymentPayload> {
        let wanted = RecordCashPayment {
            purpose: match input.top_up {
                true => For::TopUp(input.customer_id.map(|Gid(id)| id)),
                false => purpose(input.rental_id, input.customer_id),
            },
            amount: input.amount.map(|Decimal(amount)| amount),
        };
        RecordCashPaymentPayload::from_outcome(
            immediate::record_cash(ctx.call()?, wanted, &input.idempotency_key).await,
        )
    }
}
