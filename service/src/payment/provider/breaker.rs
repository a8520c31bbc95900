//! A provider that does not answer is left alone for a while: by each tenant for itself, since credentials and limits are.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use entity::{payment::Provider, tenant::TenantId};

use super::{
    Answer, Cancel, Capture, Charge, Confirm, Delivery, Listing, Notice, PaymentProvider,
    ProviderError, Refund, RefundAnswer, Reply, Result, Schedule, ScheduledPayment, SetUp,
    SetUpAnswer, Verdict, WebhookError,
};
use crate::clock::Clock;

/// So many calls in a row without an answer, and it is left alone.
const FAILURES: u32 = 5;
const PAUSE: Duration = Duration::seconds(30);

/// Those of one process.
#[derive(Clone, Default)]
pub struct Breakers(Arc<Mutex<HashMap<(TenantId, Provider), Breaker>>>);

#[derive(Clone, Copy, Default)]
struct Breaker {
    failures: u32,
    open_until: Option<DateTime<Utc>>,
}

impl Breakers {
    /// The same provider, which is not called while it does not answer.
    pub fn around(
        &self,
        tenant: TenantId,
        inner: Arc<dyn PaymentProvider>,
        clock: Arc<dyn Clock>,
    ) -> Arc<dyn PaymentProvider> {
        let key = (tenant, inner.kind());
        Arc::new(Guarded { inner, key, breakers: self.clone(), clock })
    }

    /// After the pause one call goes through, and the others wait for what becomes of it.
    fn may_call(&self, key: (TenantId, Provider), now: DateTime<Utc>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let breaker = all.entry(key).or_default();
        match breaker.open_until {
            Some(until) if now < until => false,
            Some(_) => {
                breaker.open_until = Some(now + PAUSE);
                true
            }
            None => true,
        }
    }

    fn heard(&self, key: (TenantId, Provider), answered: bool, now: DateTime<Utc>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answered {
            all.remove(&key);
            return;
        }
        let breaker = all.entry(key).or_default();
        breaker.failures += 1;
        if breaker.failures >= FAILURES {
            breaker.open_until = Some(now + PAUSE);
            tracing::warn!(provider = ?key.1, tenant = %key.0, "a payment provider does not answer");
        }
    }
}

struct Guarded {
    inner: Arc<dyn PaymentProvider>,
    key: (TenantId, Provider),
    breakers: Breakers,
    clock: Arc<dyn Clock>,
}

impl Guarded {
    async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        if !self.breakers.may_call(self.key, self.clock.now()) {
            return Err(ProviderError::Unavailable("it has not answered for a while".into()));
        }
        let answer = call.await;
        let answered =
            !matches!(answer, Err(ProviderError::Lost(_) | ProviderError::Unavailable(_)));
        self.breakers.heard(self.key, answered, self.clock.now());
        answer
    }
}

#[async_trait]
impl PaymentProvider for Guarded {
    fn kind(&self) -> Provider {
        self.inner.kind()
    }

    async fn charge(&self, charge: &Charge) -> Result<Answer> {
        self.call(self.inner.charge(charge)).await
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<Answer> {
        self.call(self.inner.confirm(confirm)).await
    }

    async fn capture(&self, capture: &Capture) -> Result<Answer> {
        self.call(self.inner.capture(capture)).await
    }

    async fn cancel(&self, cancel: &Cancel) -> Result<Answer> {
        self.call(self.inner.cancel(cancel)).await
    }

    async fn refund(&self, refund: &Refund) -> Result<RefundAnswer> {
        self.call(self.inner.refund(refund)).await
    }

    async fn fetch(&self, charge: &Charge, reference: Option<&str>) -> Result<Answer> {
        self.call(self.inner.fetch(charge, reference)).await
    }

    async fn fetch_refund(&self, refund: &Refund, reference: Option<&str>) -> Result<RefundAnswer> {
        self.call(self.inner.fetch_refund(refund, reference)).await
    }

    async fn list(&self, day: NaiveDate, after: Option<&str>) -> Result<Listing> {
        self.call(self.inner.list(day, after)).await
    }

    async fn set_up(&self, set_up: &SetUp) -> Result<SetUpAnswer> {
        self.call(self.inner.set_up(set_up)).await
    }

    async fn fetch_set_up(&self, reference: &str) -> Result<SetUpAnswer> {
        self.call(self.inner.fetch_set_up(reference)).await
    }

    async fn schedule(&self, schedule: &Schedule) -> Result<Vec<ScheduledPayment>> {
        self.call(self.inner.schedule(schedule)).await
    }

    async fn listen(&self, webhook_url: &str) -> Result<()> {
        self.call(self.inner.listen(webhook_url)).await
    }

    fn read_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Notice>, WebhookError> {
        self.inner.read_webhook(delivery)
    }

    fn reply(&self, verdict: &Verdict) -> Reply {
        self.inner.reply(verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_left_alone_and_tried_again_by_one() {
        let breakers = Breakers::default();
        let (ours, other) =
            ((TenantId::PLATFORM, Provider::Stripe), (TenantId::PLATFORM, Provider::Mpesa));
        let now = DateTime::UNIX_EPOCH;
        for _ in 0..FAILURES {
            assert!(breakers.may_call(ours, now));
            breakers.heard(ours, false, now);
        }
        assert!(!breakers.may_call(ours, now) && breakers.may_call(other, now));
        let later = now + PAUSE;
        assert!(breakers.may_call(ours, later) && !breakers.may_call(ours, later));
        breakers.heard(ours, true, later);
        assert!(breakers.may_call(ours, later) && breakers.may_call(ours, later));
    }
}
