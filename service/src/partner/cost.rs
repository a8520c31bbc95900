//! What a client's calls may cost in a minute.

use std::time::Duration;

use entity::api_client::ClientId;

use crate::{
    ctx::Ctx,
    limit::{Bucket, Wait},
};

const MINUTE: Duration = Duration::from_secs(60);

/// A bucket that is as full as a minute's calls may cost, and fills as time goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    client: ClientId,
    pub per_minute: u32,
}

/// The call is not paid, and so does not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    pub remaining: u32,
    /// None where the call costs more than a whole minute has.
    pub retry_after: Option<Duration>,
}

impl Budget {
    pub(super) fn of(client: ClientId, per_minute: i32) -> Self {
        Self { client, per_minute: per_minute.unsigned_abs() }
    }

    /// Takes it all or nothing, and says what is left.
    pub async fn charge(self, ctx: &Ctx, cost: u32) -> Result<u32, Exceeded> {
        let name = format!("cost:{}", self.client);
        let bucket = Bucket::of(ctx.tenant, name, self.per_minute, MINUTE);
        let limits = &ctx.app.limits;
        let refused = match limits.take(&bucket, cost.min(self.per_minute.saturating_add(1))).await
        {
            Ok(remaining) => return Ok(remaining),
            Err(Wait(wait)) => wait,
        };
        let remaining = limits.take(&bucket, 0).await.unwrap_or_default();
        let retry_after = (cost <= self.per_minute).then_some(refused);
        Err(Exceeded { remaining, retry_after })
    }
}
