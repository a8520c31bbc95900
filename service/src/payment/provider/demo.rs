//! A provider that pretends: what becomes of a payment stands in its method. For demos and development.
//!
//! It keeps no books. A payment goes its way by the clock, counted from when it was asked for, so that asking again at any
//! time, on any node, gives the same answer.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use entity::payment::{NextAction, Provider};

use super::{
    Answer, Cancel, Capture, Charge, Confirm, Decline, Outcome, PaymentProvider, ProviderError,
    Refund, RefundAnswer, RefundOutcome, Result,
};
use crate::clock::Clock;

/// How long its bank takes.
const TAKES: Duration = Duration::seconds(1);
/// After this long a payment that nobody hears of is there all the same.
const SILENT: Duration = Duration::minutes(3);

pub struct Demo(Arc<dyn Clock>);

/// What a method makes of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    Success,
    Decline,
    /// The payer has to act, and then it succeeds.
    Action,
    /// The answer to the call is lost, and then it turns out to have succeeded.
    Timeout,
    /// Nobody ever tells; who asks late enough hears that it succeeded.
    Silent,
}

impl Script {
    const ALL: [(&str, Self); 5] = [
        ("demo_success", Self::Success),
        ("demo_decline", Self::Decline),
        ("demo_action", Self::Action),
        ("demo_timeout", Self::Timeout),
        ("demo_silent", Self::Silent),
    ];

    fn of(charge: &Charge) -> Result<Self> {
        let method = charge.method.as_deref().unwrap_or("demo_success");
        let known = Self::ALL.iter().find(|(name, _)| *name == method);
        known.map(|(_, script)| *script).ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            let message = format!("the demo provider knows the methods {names}");
            ProviderError::Refused(Decline { code: "payment_method_unknown".into(), message })
        })
    }
}

impl Demo {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }

    fn answer(&self, charge: &Charge, outcome: Outcome) -> Answer {
        let reference = format!("demo_{}", entity::Id::uuid(charge.payment).simple());
        let holds = outcome == Outcome::Authorized;
        Answer {
            transaction: (outcome == Outcome::Completed).then(|| format!("{reference}_1")),
            reference: Some(reference),
            outcome,
            amount: Some(charge.amount),
            captured_minor: None,
            expires_at: holds.then(|| charge.asked_at + Duration::days(7)),
        }
    }

    fn stands(&self, charge: &Charge, script: Script, asked: DateTime<Utc>) -> Outcome {
        let after = match script {
            Script::Decline => {
                let message = "the demo card was declined".into();
                return Outcome::Declined(Decline { code: "card_declined".into(), message });
            }
            Script::Action => return act(),
            Script::Success | Script::Timeout => TAKES,
            Script::Silent => SILENT,
        };
        match (self.0.now() >= asked + after, charge.manual_capture) {
            (false, _) => Outcome::Processing,
            (true, true) => Outcome::Authorized,
            (true, false) => Outcome::Completed,
        }
    }
}

fn act() -> Outcome {
    Outcome::ActionRequired(NextAction::UseSdk { client_secret: "demo_confirm".into() })
}

#[async_trait]
impl PaymentProvider for Demo {
    fn kind(&self) -> Provider {
        Provider::Demo
    }

    async fn charge(&self, charge: &Charge) -> Result<Answer> {
        match Script::of(charge)? {
            Script::Timeout => Err(ProviderError::Lost("the demo's answer was lost".into())),
            // Held at once: nobody waits for a vehicle because of a demo.
            Script::Success if charge.manual_capture => {
                Ok(self.answer(charge, Outcome::Authorized))
            }
            script => Ok(self.answer(charge, self.stands(charge, script, self.0.now()))),
        }
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<Answer> {
        Ok(Answer {
            reference: Some(confirm.reference.clone()),
            transaction: Some(format!("{}_1", confirm.reference)),
            outcome: if confirm.manual_capture { Outcome::Authorized } else { Outcome::Completed },
            amount: Some(confirm.amount),
            captured_minor: None,
            expires_at: None,
        })
    }

    async fn capture(&self, capture: &Capture) -> Result<Answer> {
        Ok(Answer {
            reference: Some(capture.reference.clone()),
            transaction: Some(format!("{}_1", capture.reference)),
            outcome: Outcome::Completed,
            amount: None,
            captured_minor: Some(capture.amount.minor()),
            expires_at: None,
        })
    }

    async fn cancel(&self, cancel: &Cancel) -> Result<Answer> {
        Ok(Answer {
            reference: Some(cancel.reference.clone()),
            transaction: None,
            outcome: Outcome::Canceled,
            amount: None,
            captured_minor: None,
            expires_at: None,
        })
    }

    async fn refund(&self, refund: &Refund) -> Result<RefundAnswer> {
        self.fetch_refund(refund, None).await
    }

    async fn fetch(&self, charge: &Charge, _: Option<&str>) -> Result<Answer> {
        Ok(self.answer(charge, self.stands(charge, Script::of(charge)?, charge.asked_at)))
    }

    async fn fetch_refund(&self, refund: &Refund, _: Option<&str>) -> Result<RefundAnswer> {
        let reference = Some(format!("demo_{}", entity::Id::uuid(refund.refund).simple()));
        Ok(RefundAnswer { reference, outcome: RefundOutcome::Completed })
    }
}
