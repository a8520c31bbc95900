//! Links to a receipt's PDF for browsers, which send no token of their own: sealed, and good for minutes.

use chrono::{DateTime, Duration};
use entity::{
    Id,
    receipt::{Column, Entity, Model, ReceiptId},
    tenant::TenantId,
};
use sea_orm::{ColumnTrait, QueryFilter};

use crate::{
    ctx::{App, Ctx},
    error::{Error, Result, Subject},
    tenant,
};

/// Long enough to click on it, too short to be worth keeping.
pub const LASTS: Duration = Duration::minutes(15);
const PURPOSE: &str = "receipt link";

/// Where the PDF is to be had until `LASTS` from now.
pub fn url(ctx: &Ctx, receipt: &Model) -> String {
    let ends = (ctx.now() + LASTS).timestamp();
    let mut bytes = receipt.tenant_id.uuid().into_bytes().to_vec();
    bytes.extend_from_slice(receipt.id.uuid().as_bytes());
    bytes.extend_from_slice(&ends.to_be_bytes());
    let token = ctx.app.keys.seal(PURPOSE, &bytes);
    format!("{}/receipts/{}.pdf?token={token}", ctx.app.public_url, receipt.id)
}

/// The receipt that a link leads to. One that was altered, has ended or is of a suspended tenant leads nowhere.
pub async fn open(app: &App, id: ReceiptId, token: &str) -> Result<Model> {
    let nowhere = || Error::NotFound(Subject::Receipt);
    let (tenant, sealed, ends) = read(app, token).ok_or_else(nowhere)?;
    let ends = DateTime::from_timestamp(ends, 0).ok_or_else(nowhere)?;
    if sealed != id || ends <= app.now() {
        return Err(nowhere());
    }
    if tenant::get(app, tenant).await?.suspended_at.is_some() {
        return Err(nowhere());
    }
    let ctx = app.system(tenant, "receipt_link");
    let found = Entity::of(tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or_else(nowhere)
}

fn read(app: &App, token: &str) -> Option<(TenantId, ReceiptId, i64)> {
    let bytes = app.keys.open(PURPOSE, token)?;
    let (tenant, rest) = bytes.split_first_chunk::<16>()?;
    let (receipt, ends) = rest.split_first_chunk::<16>()?;
    let id = uuid::Uuid::from_bytes;
    Some((
        TenantId::from_uuid(id(*tenant)),
        ReceiptId::from_uuid(id(*receipt)),
        i64::from_be_bytes(ends.try_into().ok()?),
    ))
}
