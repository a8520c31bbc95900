//! Within an epoch a number means one event; a restored backup begins a new one.

use entity::{
    stream_head::{Column, Entity, Model},
    tenant::TenantId,
};
use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};

use super::table;
use crate::{db::Db, error::Result};

pub(crate) fn fresh() -> Result<uuid::Uuid> {
    Ok(uuid::Builder::from_random_bytes(crate::keys::random()?).into_uuid())
}

/// Makes every cursor of this tenant that was given out so far ask for a resync: part of restoring a backup.
pub async fn renew(db: &Db, tenant: TenantId) -> Result<()> {
    let head = table::head(db.feed(), tenant).await?;
    renew_from(db, &head).await
}

/// Of several nodes that see the same head, one renews it.
pub(crate) async fn renew_from(db: &Db, head: &Model) -> Result<()> {
    let transaction = db.begin(head.tenant_id).await?;
    Entity::update_of(head.tenant_id)
        .col_expr(Column::Epoch, Expr::value(fresh()?))
        .filter(Column::Epoch.eq(head.epoch))
        .exec(&transaction)
        .await?;
    transaction.commit(|| {}).await
}
