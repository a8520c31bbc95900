//! A call that comes twice acts once: its key, the hash of its input, and its first answer.

use entity::idempotency::{ActiveModel, Column, Entity, IdempotencyId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    ctx::Ctx,
    error::{Error, Invalid, Result},
    keys::sha256,
    refusal::Refusal,
    write::Tx,
};

const KEY_LENGTH: usize = 255;

/// What makes a call the same call.
pub struct Once<'a, I> {
    pub operation: &'static str,
    pub key: &'a str,
    pub input: &'a I,
}

impl Ctx {
    /// As `write`, but a second call with the same key gives the first one's answer, and with another input is refused.
    pub async fn write_once<T, F, Fut>(
        &self,
        once: Once<'_, impl Serialize + Sync>,
        run: F,
    ) -> Result<T>
    where
        F: Fn(Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T>> + Send,
        T: Serialize + DeserializeOwned + Send,
    {
        let claim = Claim::new(self, &once)?;
        let (claim, run) = (&claim, &run);
        self.write(|tx| async move {
            if let Some(answer) = claim.take(&tx).await? {
                return serde_json::from_str(&answer).map_err(Error::internal);
            }
            let answer = run(tx.clone()).await?;
            tx.write_audit().await?;
            claim.keep(&tx, serde_json::to_string(&answer).map_err(Error::internal)?).await?;
            Ok(answer)
        })
        .await
    }
}

struct Claim {
    id: IdempotencyId,
    principal: String,
    operation: &'static str,
    key: String,
    input_sha256: Vec<u8>,
}

impl Claim {
    fn new(ctx: &Ctx, once: &Once<'_, impl Serialize>) -> Result<Self> {
        if once.key.is_empty() || once.key.len() > KEY_LENGTH {
            return Err(Invalid::new(
                "idempotencyKey",
                format!("must have 1 to {KEY_LENGTH} bytes"),
            )
            .into());
        }
        if once.key.chars().any(char::is_control) {
            return Err(
                Invalid::new("idempotencyKey", "must not contain control characters").into()
            );
        }
        let input = serde_json::to_vec(once.input).map_err(Error::internal)?;
        Ok(Self {
            id: ctx.app.new_id(),
            principal: ctx.actor.to_string(),
            operation: once.operation,
            key: once.key.to_owned(),
            input_sha256: sha256(&input),
        })
    }

    /// Takes the key, or gives the answer that was given under it. Waits for a call that is under way.
    async fn take(&self, tx: &Tx) -> Result<Option<String>> {
        let row = ActiveModel {
            tenant_id: Set(tx.tenant()),
            id: Set(self.id),
            principal: Set(self.principal.clone()),
            operation: Set(self.operation.to_owned()),
            key: Set(self.key.clone()),
            input_sha256: Set(self.input_sha256.clone()),
            answer: Set(None),
            created_at: Set(tx.now()),
        };
        let same_key = [Column::TenantId, Column::Principal, Column::Operation, Column::Key];
        let taken = Entity::insert(row)
            .on_conflict(OnConflict::columns(same_key).do_nothing().to_owned())
            .exec_without_returning(&**tx)
            .await?;
        if taken == 1 {
            return Ok(None);
        }
        let first = Entity::of(tx.tenant())
            .filter(Column::Principal.eq(&self.principal))
            .filter(Column::Operation.eq(self.operation))
            .filter(Column::Key.eq(&self.key))
            .one(&**tx)
            .await?
            .ok_or_else(|| Error::Unavailable("the key's first call is gone".into()))?;
        if first.input_sha256 != self.input_sha256 {
            return Err(Refusal::IdempotencyMismatch.into());
        }
        Ok(Some(first.answer.ok_or_else(|| Error::internal("an answer was never kept"))?))
    }

    async fn keep(&self, tx: &Tx, answer: String) -> Result<()> {
        Entity::update_of(tx.tenant())
            .col_expr(Column::Answer, Expr::value(answer))
            .filter(Column::Id.eq(self.id))
            .exec(&**tx)
            .await?;
        Ok(())
    }
}
