//! Bank debits by GoCardless: mandates, payments under them, refunds and whole schedules.
//!
//! A payer agrees once, on GoCardless's page, to a mandate (`MD…`), under which payments (`PM…`) are collected: each takes
//! days, and what was confirmed may still fail or be charged back. Without a mandate the payer is asked for this one
//! payment by a billing request (`BRQ…`); once the payer has agreed, the payment that comes of it is the reference.

mod api;
mod credentials;
mod failure;
mod listing;
mod request;
mod schedule;
mod webhook;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;
use entity::payment::{NextAction, Provider};
use serde_json::Value;

use super::{
    Answer, Cancel, Charge, Delivery, Listing, Notice, Outcome, PaymentProvider, ProviderError,
    Refund, RefundAnswer, RefundOutcome, Reply, Result, Schedule, ScheduledPayment, SetUp,
    SetUpAnswer, SetUpOutcome, Verdict, WebhookError, Why, http::Http,
};
use crate::error::Invalid;
use api::Api;
use credentials::Credentials;
use request::mandate_required;
use wire::{BillingRequest, BillingStatus, Flow, History, Mandate, Page, Payment, PaymentStatus};

pub const LIVE: &str = "https://api.gocardless.com";
pub const SANDBOX: &str = "https://api-sandbox.gocardless.com";

/// In the address that webhooks come to: `/webhooks/gocardless/…`.
pub const SLUG: &str = "gocardless";

/// One tenant's account.
struct BankApi {
    api: Api,
    secrets: webhook::Secrets,
}

/// The way to one account.
///
/// Its credentials are `{"accessToken": "…", "webhookSecrets": ["…"]}`: a token with read and write access, and the secrets of
/// one or two webhook endpoints, so that one can replace the other.
pub fn open(
    http: Http,
    base_url: &str,
    credentials: &Value,
) -> Result<Arc<dyn PaymentProvider>, Invalid> {
    let Credentials { access_token, webhook_secrets } = Credentials::read(credentials)?;
    let api = Api::new(http, base_url, access_token);
    Ok(Arc::new(BankApi { api, secrets: webhook::Secrets::new(&webhook_secrets) }))
}

#[async_trait]
impl PaymentProvider for BankApi {
    fn kind(&self) -> Provider {
        Provider::BankApi
    }

    async fn charge(&self, charge: &Charge) -> Result<Answer> {
        request::check(charge)?;
        match &charge.method {
            Some(mandate) => self.debit(charge, mandate).await,
            None => self.ask(charge).await,
        }
    }

    async fn cancel(&self, cancel: &Cancel) -> Result<Answer> {
        if is_billing_request(&cancel.reference) {
            self.cancel_request(&cancel.reference).await
        } else {
            self.cancel_payment(&cancel.reference).await
        }
    }

    async fn refund(&self, refund: &Refund) -> Result<RefundAnswer> {
        let payment = self.payment_of(refund).await?;
        let body = request::refund(refund, &payment)?;
        let made = match self.api.create("refunds", refund.refund, &body).await {
            Err(ProviderError::Refused(decline)) => {
                self.made_before(refund, &payment).await?.ok_or(ProviderError::Refused(decline))?
            }
            made => made?,
        };
        made.is_for(refund)?;
        Ok(made.answer())
    }

    async fn fetch(&self, charge: &Charge, reference: Option<&str>) -> Result<Answer> {
        let Some(reference) = reference else {
            return match self.charge(charge).await {
                // Nothing was made under the attempt's name, and nothing will be.
                Err(ProviderError::Refused(decline)) if !failure::is_conflict(&decline) => {
                    Ok(wire::without_reference(Outcome::Declined(decline)))
                }
                answer => answer,
            };
        };
        if is_billing_request(reference) {
            let request = self.api.get(reference).await?;
            self.standing(request, charge.return_url.as_deref()).await
        } else {
            self.answer(self.api.get(reference).await?).await
        }
    }

    async fn fetch_refund(&self, refund: &Refund, reference: Option<&str>) -> Result<RefundAnswer> {
        if let Some(reference) = reference {
            return Ok(self.api.get::<wire::Refund>(reference).await?.answer());
        }
        match self.refund(refund).await {
            Err(ProviderError::Refused(decline)) if !failure::is_conflict(&decline) => {
                Ok(RefundAnswer { reference: None, outcome: RefundOutcome::Failed(decline) })
            }
            answer => answer,
        }
    }

    async fn list(&self, day: NaiveDate, after: Option<&str>) -> Result<Listing> {
        listing::page(&self.api, day, after).await
    }

    async fn set_up(&self, set_up: &SetUp) -> Result<SetUpAnswer> {
        let body = request::mandate(set_up)?;
        let made: BillingRequest =
            self.api.create("billing_requests", set_up.attempt, &body).await?;
        if made.status != BillingStatus::Pending {
            return self.agreement(made).await.map_err(api::lost);
        }
        let flow = request::flow(&made.id, set_up.return_url.as_deref(), Some(set_up));
        self.page(made.id, &flow).await.map_err(api::lost)
    }

    async fn fetch_set_up(&self, reference: &str) -> Result<SetUpAnswer> {
        let request: BillingRequest = self.api.get(reference).await?;
        if request.status != BillingStatus::Pending {
            return self.agreement(request).await;
        }
        let flow = request::flow(&request.id, request.return_url(), None);
        self.page(request.id, &flow).await
    }

    async fn schedule(&self, schedule: &Schedule) -> Result<Vec<ScheduledPayment>> {
        schedule::collect(&self.api, schedule).await
    }

    fn read_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Notice>, WebhookError> {
        self.secrets.check(delivery)?;
        webhook::read(delivery.body)
    }

    /// GoCardless shows 498 as a wrong signature in its dashboard.
    fn reply(&self, verdict: &Verdict) -> Reply {
        let status = match verdict {
            Verdict::Kept | Verdict::Allowed => 204,
            Verdict::Refused(Why::Forged) => 498,
            Verdict::Refused(_) => 400,
        };
        Reply { status, body: None }
    }
}

impl BankApi {
    /// Collects under a mandate.
    async fn debit(&self, charge: &Charge, mandate: &str) -> Result<Answer> {
        let body = request::payment(charge, mandate);
        let payment = match self.api.create("payments", charge.attempt, &body).await {
            Err(ProviderError::Refused(decline)) => self
                .debited_before(charge, mandate)
                .await?
                .ok_or(ProviderError::Refused(decline))?,
            payment => payment?,
        };
        payment.is_for(charge)?;
        self.answer(payment).await.map_err(api::lost)
    }

    /// Asks the payer for this one payment.
    async fn ask(&self, charge: &Charge) -> Result<Answer> {
        if charge.off_session || !request::is_instant(charge.amount.currency()) {
            return Err(mandate_required());
        }
        let body = request::billing_request(charge);
        let made: BillingRequest =
            self.api.create("billing_requests", charge.attempt, &body).await?;
        made.is_for(charge)?;
        self.standing(made, charge.return_url.as_deref()).await.map_err(api::lost)
    }

    /// How far a payer has come who was asked for one payment. The page's address is told only when it is made, so whoever
    /// has still to act gets a new one.
    async fn standing(&self, request: BillingRequest, return_url: Option<&str>) -> Result<Answer> {
        match request.status {
            BillingStatus::Pending => {
                let body = request::flow(&request.id, return_url, None);
                let flow: Flow = self.api.post("billing_request_flows", &body).await?;
                let action = NextAction::Redirect { url: flow.authorisation_url };
                Ok(request.answer(Outcome::ActionRequired(action)))
            }
            BillingStatus::Cancelled => Ok(request.answer(Outcome::Canceled)),
            BillingStatus::Fulfilled | BillingStatus::Other => match request.payment() {
                Some(payment) => self.answer(self.api.get(payment).await?).await,
                None => Ok(request.answer(Outcome::Processing)),
            },
        }
    }

    /// A failure is late or not by what came before it, which only the events tell.
    async fn answer(&self, payment: Payment) -> Result<Answer> {
        let history = match payment.status {
            PaymentStatus::Failed => self.history(&payment.id).await?,
            _ => History::default(),
        };
        Ok(payment.answer(history))
    }

    async fn history(&self, payment: &str) -> Result<History> {
        let query = [("resource_type", "payments"), ("payment", payment), ("limit", "100")];
        let page: Page<wire::Event> = self.api.list(&query).await?;
        Ok(History::of(&page.items))
    }

    async fn page(&self, reference: String, flow: &Value) -> Result<SetUpAnswer> {
        let flow: Flow = self.api.post("billing_request_flows", flow).await?;
        let action = NextAction::Redirect { url: flow.authorisation_url };
        Ok(SetUpAnswer { reference, outcome: SetUpOutcome::ActionRequired(action) })
    }

    /// What became of the mandate that a payer was asked for.
    async fn agreement(&self, request: BillingRequest) -> Result<SetUpAnswer> {
        let outcome = match (request.status, request.mandate()) {
            (BillingStatus::Cancelled, _) => SetUpOutcome::Failed(wire::decline("cancelled")),
            (BillingStatus::Fulfilled, Some(mandate)) => {
                self.api.get::<Mandate>(mandate).await?.outcome()
            }
            _ => SetUpOutcome::Processing,
        };
        Ok(SetUpAnswer { reference: request.id, outcome })
    }

    async fn cancel_request(&self, reference: &str) -> Result<Answer> {
        let refused = match self.api.act::<BillingRequest>(reference, "cancel").await {
            Ok(request) => return Ok(request.answer(Outcome::Canceled)),
            Err(ProviderError::Refused(decline)) => decline,
            Err(error) => return Err(error),
        };
        let request: BillingRequest = self.api.get(reference).await?;
        match (request.status, request.payment()) {
            (BillingStatus::Cancelled, _) => Ok(request.answer(Outcome::Canceled)),
            (_, Some(payment)) => self.cancel_payment(payment).await,
            _ => Err(ProviderError::Refused(refused)),
        }
    }

    async fn cancel_payment(&self, reference: &str) -> Result<Answer> {
        let refused = match self.api.act::<Payment>(reference, "cancel").await {
            Ok(payment) => return self.answer(payment).await.map_err(api::lost),
            Err(ProviderError::Refused(decline)) => decline,
            Err(error) => return Err(error),
        };
        // Canceled by the first of two calls, whose answer was lost.
        let payment: Payment = self.api.get(reference).await?;
        match payment.status {
            PaymentStatus::Cancelled => self.answer(payment).await,
            _ => Err(ProviderError::Refused(refused)),
        }
    }

    /// A body may be judged before its key: what was made already would then be refused, say because the mandate has ended
    /// since.
    async fn debited_before(&self, charge: &Charge, mandate: &str) -> Result<Option<Payment>> {
        let since = request::moment(charge.asked_at - chrono::TimeDelta::days(1));
        let query = [("mandate", mandate), ("created_at[gte]", &since), ("limit", "500")];
        let page: Page<Payment> = self.api.list(&query).await.map_err(api::lost)?;
        let attempt = charge.attempt.to_string();
        Ok(page.items.into_iter().find(|payment| payment.metadata.is("attempt", &attempt)))
    }

    /// As above; of a refund made already, the confirmed total does not fit any more.
    async fn made_before(&self, refund: &Refund, payment: &str) -> Result<Option<wire::Refund>> {
        let query = [("payment", payment), ("limit", "500")];
        let page: Page<wire::Refund> = self.api.list(&query).await.map_err(api::lost)?;
        let id = refund.refund.to_string();
        Ok(page.items.into_iter().find(|made| made.metadata.is("refund", &id)))
    }

    async fn payment_of(&self, refund: &Refund) -> Result<String> {
        let known = refund.transaction.as_deref().unwrap_or(&refund.reference);
        if !is_billing_request(known) {
            return Ok(known.to_owned());
        }
        let request: BillingRequest = self.api.get(known).await?;
        let payment = request.payment().map(str::to_owned);
        payment.ok_or_else(|| ProviderError::Refused(wire::decline("payment_not_collected")))
    }
}

fn is_billing_request(reference: &str) -> bool {
    reference.starts_with("BRQ")
}
