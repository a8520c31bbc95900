//! What a call costs, and whether its caller can pay: said in every answer, and asked before anything happens.

use std::sync::{Arc, OnceLock};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextRequest, NextSubscribe, NextValidation,
};
use async_graphql::{Response, ServerError, ValidationResult, Value};
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde::Serialize;
use service::config::QueryLimits;
use service::ctx::Ctx;
use service::error::whole_seconds;
use service::partner::cost::{Budget, Exceeded};

use super::guard::QUERY_REJECTED;
use super::operation::{Registered, coded};

const COST_EXCEEDED: &str = "COST_EXCEEDED";

/// In the data of every request of a client.
#[derive(Clone, Copy, Debug, Default)]
pub struct Payer {
    /// None: as much as it likes.
    pub budget: Option<Budget>,
}

/// In the data of a request that the server sends again by itself: its client has paid.
pub struct Paid;

/// In `extensions.cost` of an answer.
#[derive(Clone, Copy, Debug, Serialize)]
struct Cost {
    requested: u32,
    budget: Option<u32>,
    remaining: Option<u32>,
}

/// Register it after the extension that names errors.
pub struct Costs;

impl ExtensionFactory for Costs {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Meter::default())
    }
}

/// One per request.
#[derive(Default)]
struct Meter(Arc<OnceLock<Cost>>);

#[async_trait]
impl Extension for Meter {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        told(next.run(ctx).await, &self.0)
    }

    /// The first answer tells who pays; those that follow cost nothing. Without a budget nothing is told, because most
    /// answers of such streams are shared, and the same for all.
    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let cost = Arc::clone(&self.0);
        let answers = next.run(ctx, stream).enumerate();
        answers
            .map(move |(index, answer)| {
                let pays = cost.get().is_some_and(|cost| cost.budget.is_some());
                if index == 0 && pays { told(answer, &cost) } else { answer }
            })
            .boxed()
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let validation = next.run(ctx).await?;
        let requested = u32::try_from(validation.complexity).unwrap_or(u32::MAX);
        let is_registered = ctx.data_opt::<Arc<Registered>>().is_some();
        let most = ctx.data_opt::<QueryLimits>().copied().unwrap_or_default().cost;
        if is_registered && validation.complexity > most {
            let message = format!("this costs {requested}, and a call at most {most}");
            return Err(vec![coded(message, QUERY_REJECTED)]);
        }
        let payer = ctx.data_opt::<Payer>().filter(|_| ctx.data_opt::<Paid>().is_none());
        let Some(Payer { budget }) = payer.copied() else { return Ok(validation) };
        let (Some(budget), Some(call)) = (budget, ctx.data_opt::<Ctx>()) else {
            self.say(Cost { requested, budget: None, remaining: None });
            return Ok(validation);
        };
        let charged = budget.charge(call, requested).await;
        let remaining = charged.unwrap_or_else(|exceeded| exceeded.remaining);
        let most = budget.per_minute;
        self.say(Cost { requested, budget: Some(most), remaining: Some(remaining) });
        charged.map(|_| validation).map_err(|exceeded| vec![refused(requested, most, exceeded)])
    }
}

impl Meter {
    fn say(&self, cost: Cost) {
        self.0.get_or_init(|| cost);
    }
}

fn told(mut answer: Response, cost: &OnceLock<Cost>) -> Response {
    if let Some(cost) = cost.get() {
        let cost = async_graphql::to_value(cost).unwrap_or(Value::Null);
        answer.extensions.insert("cost".to_owned(), cost);
    }
    answer
}

fn refused(requested: u32, budget: u32, exceeded: Exceeded) -> ServerError {
    let Exceeded { remaining, retry_after } = exceeded;
    let Some(wait) = retry_after else {
        let message = format!("this costs {requested}, and a minute has {budget}");
        return coded(message, COST_EXCEEDED);
    };
    let mut error =
        coded(format!("this costs {requested}, and {remaining} are left"), COST_EXCEEDED);
    error.extensions.get_or_insert_default().set("retryAfter", whole_seconds(&wait));
    error
}
