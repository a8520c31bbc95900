//! What a provider has told, applied: the payment's state, the books, its receipt and its event in one write.

use entity::{
    payment::{Column, Entity, Model, PaymentId, Refused, State, Step},
    payment_attempt::{self as attempt, AttemptId},
};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, QueryFilter, QuerySelect};

use super::{
    books,
    provider::{Answer, Decline, Outcome, ProviderError},
    schedule,
};
use crate::{
    ctx::Ctx,
    error::{Error, Result, Subject},
    event::Event,
    write::{ROW, Tx},
};

/// What is known after a call.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Answer(Box<Answer>),
    /// It may have happened.
    Lost,
    /// It has not happened, and why.
    No(Decline),
    /// Nothing is known that was not known before.
    Nothing,
}

#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub payment: PaymentId,
    /// Whose answer it is. None: the provider was only asked.
    pub attempt: Option<AttemptId>,
    /// The version of the payment when the provider was asked; what has changed since then is asked for again.
    pub as_of: Option<i64>,
    pub told: Told,
}

impl Told {
    pub fn of(answer: super::provider::Result<Answer>) -> Self {
        match answer {
            Ok(answer) => Self::Answer(Box::new(answer)),
            Err(ProviderError::Lost(error) | ProviderError::Nonsense(error)) => {
                tracing::warn!(%error, "a provider's answer was lost");
                Self::Lost
            }
            Err(ProviderError::Unavailable(error)) => {
                tracing::warn!(%error, "a provider cannot be reached");
                Self::no("provider_unavailable", "the provider cannot be reached at the moment")
            }
            Err(ProviderError::Credentials) => Self::misconfigured(),
            Err(ProviderError::Refused(decline)) => Self::No(decline),
            Err(ProviderError::Unsupported) => {
                Self::no("unsupported", "the provider cannot do this")
            }
        }
    }

    /// Of a question: whatever goes wrong, nothing has happened.
    pub fn of_question(answer: super::provider::Result<Answer>) -> Self {
        match Self::of(answer) {
            Self::Lost | Self::No(_) => Self::Nothing,
            told => told,
        }
    }

    pub fn misconfigured() -> Self {
        tracing::error!("a provider does not accept the tenant's credentials");
        Self::no("provider_misconfigured", "the provider does not accept the operator's account")
    }

    fn no(code: &str, message: &str) -> Self {
        Self::No(Decline { code: code.to_owned(), message: message.to_owned() })
    }
}

/// The payment as it then is. What leads back, or is too old to count, changes nothing.
pub(super) async fn apply(ctx: &Ctx, heard: Heard) -> Result<Model> {
    let (ctx, heard) = (&ctx.app.system(ctx.tenant, "payment"), &heard);
    let applied = ctx.write(|tx| async move {
        let before = lock(&tx, heard.payment).await?;
        if heard.as_of.is_some_and(|version| version != before.version) {
            return Ok(before);
        }
        let after = settled(&tx, heard, before.clone()).await?;
        if let Some(id) = heard.attempt {
            close(&tx, id, heard, &after).await?;
        }
        Ok(after)
    });
    let applied = applied.await;
    crate::fail::point("payment.after_apply");
    applied
}

async fn settled(tx: &Tx, heard: &Heard, before: Model) -> Result<Model> {
    let mut after = match &heard.told {
        Told::Answer(answer) => answered(tx, before.clone(), answer)?,
        Told::Lost => stepped(before.clone(), Step::Lose, tx),
        Told::No(decline) => refused(before.clone(), decline, tx),
        Told::Nothing => before.clone(),
    };
    after.checks = if after.state == before.state { before.checks + 1 } else { 0 };
    after.check_at = schedule::next(&after, tx.now());
    if reversed(&heard.told) && after.state == State::Completed {
        after.check_at = Some(tx.now());
    }
    if after.check_at.is_none() && schedule::is_given_up(&after) {
        after = stepped(after, Step::Expire, tx);
    }
    if after == before {
        return Ok(before);
    }
    store(tx, before, after).await
}

/// Keeps a payment that has changed, and tells the books and everyone.
pub(super) async fn store(tx: &Tx, before: Model, mut after: Model) -> Result<Model> {
    after.version = before.version + 1;
    after.updated_at = tx.now();
    let after = after.into_active_model().reset_all().update(&**tx).await?;
    crate::fail::point("payment.before_books");
    books::follow(tx, Some(&before), &after).await?;
    super::documents::follow(tx, Some(&before), &after).await?;
    tx.record(Event::PaymentChanged {
        before: Some(Box::new(before)),
        after: Box::new(after.clone()),
    });
    Ok(after)
}

fn answered(tx: &Tx, mut payment: Model, answer: &Answer) -> Result<Model> {
    if let Some(told) = answer.amount
        && told != payment.amount()
    {
        return Ok(contradicted(payment, tx));
    }
    payment.provider_reference = answer.reference.clone().or(payment.provider_reference);
    payment.provider_transaction = answer.transaction.clone().or(payment.provider_transaction);
    let held = payment.authorized_minor;
    Ok(match &answer.outcome {
        Outcome::ActionRequired(action) => {
            let mut payment = stepped(payment, Step::RequireAction, tx);
            if payment.state == State::RequiresAction && payment.next_action.is_none() {
                payment.next_action = Some(action.clone());
            }
            payment
        }
        Outcome::Processing => stepped(payment, Step::Process, tx),
        Outcome::Authorized => {
            let mut payment = stepped(payment, Step::Authorize, tx);
            if payment.state == State::Authorized {
                payment.authorized_minor = payment.amount_minor;
                payment.expires_at = answer.expires_at.or(payment.expires_at);
            }
            payment
        }
        Outcome::Completed => {
            let was = payment.state;
            let mut payment = stepped(payment, Step::Complete, tx);
            if payment.state == State::Completed && was != State::Reversed {
                let all = if held > 0 { held } else { payment.amount_minor };
                let captured = answer.captured_minor.unwrap_or(all);
                payment.captured_minor =
                    captured.clamp(payment.captured_minor, payment.amount_minor);
                payment.authorized_minor = 0;
                (payment.failure_code, payment.failure_message) = (None, None);
            }
            payment
        }
        Outcome::Declined(decline) => refused(payment, decline, tx),
        Outcome::Canceled => released(stepped(payment, Step::Cancel, tx)),
        Outcome::Expired => released(stepped(payment, Step::Expire, tx)),
        // What nobody has told was completed is completed first, and asked about once more.
        Outcome::Reversed if !payment.state.is_settled() => {
            let answer = Answer { outcome: Outcome::Completed, ..answer.clone() };
            answered(tx, payment, &answer)?
        }
        Outcome::Reversed => stepped(payment, Step::Reverse, tx),
    })
}

fn reversed(told: &Told) -> bool {
    matches!(told, Told::Answer(answer) if answer.outcome == Outcome::Reversed)
}

fn released(mut payment: Model) -> Model {
    if payment.state.is_settled() && payment.state != State::Completed {
        payment.authorized_minor = 0;
    }
    payment
}

fn refused(payment: Model, decline: &Decline, tx: &Tx) -> Model {
    let mut payment = stepped(payment, Step::Decline, tx);
    if payment.state == State::Failed {
        payment.failure_code = Some(decline.code.clone());
        payment.failure_message = Some(decline.message.clone());
    }
    payment
}

/// The provider speaks of another amount or currency: no machine decides that.
fn contradicted(payment: Model, tx: &Tx) -> Model {
    tracing::error!(payment = %payment.id, "the provider's amount is not the payment's");
    let mut payment = stepped(payment, Step::Lose, tx);
    payment.failure_code = Some("amount_mismatch".into());
    payment.failure_message = Some("the provider's amount is another one: look at both".into());
    payment
}

/// Stays where it is when the step leads back.
fn stepped(payment: Model, step: Step, tx: &Tx) -> Model {
    match payment.clone().step(step, tx.now()) {
        Ok(next) => next,
        Err(Refused { state, step }) => {
            tracing::info!(payment = %payment.id, ?state, ?step, "a provider's news leads back");
            payment
        }
    }
}

async fn close(tx: &Tx, id: AttemptId, heard: &Heard, payment: &Model) -> Result<()> {
    let row =
        attempt::Entity::of(tx.tenant()).filter(attempt::Column::Id.eq(id)).one(&**tx).await?;
    let mut row = row.ok_or_else(|| Error::internal("an attempt is gone"))?;
    if row.state != attempt::State::Pending {
        return Ok(());
    }
    (row.state, row.failure_code, row.failure_message) = match &heard.told {
        Told::Nothing => return Ok(()),
        Told::Lost => (attempt::State::Unknown, None, None),
        Told::No(Decline { code, message }) => {
            (attempt::State::Failed, Some(code.clone()), Some(message.clone()))
        }
        Told::Answer(answer) => match &answer.outcome {
            Outcome::Declined(Decline { code, message }) => {
                (attempt::State::Failed, Some(code.clone()), Some(message.clone()))
            }
            _ => (attempt::State::Accepted, None, None),
        },
    };
    row.answer = Some(attempt::Answer(Box::new(payment.clone())));
    row.ended_at = Some(tx.now());
    row.into_active_model().reset_all().update(&**tx).await?;
    Ok(())
}

pub(super) async fn lock(tx: &Tx, id: PaymentId) -> Result<Model> {
    let found = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).lock(ROW).one(&**tx).await?;
    found.ok_or(Error::NotFound(Subject::Payment))
}
