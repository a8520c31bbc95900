//! What providers tell us by themselves: checked, kept once, answered, and only then looked into by a job.

mod process;

use chrono::Duration;
use entity::{
    Id, customer,
    payment::{self, Model as Payment, PaymentId, Provider},
    tenant::TenantId,
    webhook::{Column, Entity, Model, WebhookId},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    sea_query::OnConflict,
};
use serde::{Deserialize, Serialize};

use super::{
    account,
    create::account_reference,
    provider::{About, Delivery, Notice, Reply, Unasked, Verdict, WebhookError, Why},
};
use crate::{
    ctx::{App, Ctx},
    error::{Error, Result},
    event::Event,
    write::Tx,
};

pub use process::run;

const SEAL: &str = "webhook";
/// A prompt is paid or not within minutes; its message may take longer.
const ASKED_WITHIN: Duration = Duration::days(3);
/// Each has an address of its own at each tenant, in words that no provider takes offence at.
const SLUGS: [(&str, Provider); 3] =
    [("stripe", Provider::Stripe), ("daraja", Provider::Mpesa), ("gocardless", Provider::BankApi)];

/// What is kept of a message.
#[derive(Serialize, Deserialize)]
struct Kept {
    notice: Notice,
    /// For whose alone the address was.
    payment: Option<PaymentId>,
}

/// An HTTP request as it came.
pub struct Message<'a> {
    pub path: &'a str,
    pub provider: &'a str,
    pub endpoint: &'a str,
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

/// The address for all messages of a tenant's account; None for those that send none.
pub fn url(ctx: &Ctx, provider: Provider) -> Option<String> {
    Some(address(ctx, slug(provider)?, ctx.tenant.uuid().as_bytes()))
}

/// The address for messages about one payment alone.
pub(super) fn url_of(ctx: &Ctx, payment: &Payment) -> String {
    let of = [payment.tenant_id.uuid().into_bytes(), payment.id.uuid().into_bytes()].concat();
    slug(payment.provider).map_or_else(String::new, |slug| address(ctx, slug, &of))
}

fn slug(provider: Provider) -> Option<&'static str> {
    SLUGS.iter().find(|(_, of)| *of == provider).map(|(slug, _)| *slug)
}

/// Sealed, so that nobody can guess one, and in digits and a to f, which spell no word that a provider forbids.
fn address(ctx: &Ctx, slug: &str, of: &[u8]) -> String {
    let endpoint = hex(ctx.app.keys.seal(SEAL, of).as_bytes());
    format!("{}/webhooks/{slug}/{endpoint}", ctx.app.public_url)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.len().is_multiple_of(2).then(|| digits.map(byte).collect()).flatten()
}

fn opened(app: &App, endpoint: &str) -> Option<(TenantId, Option<PaymentId>)> {
    let sealed = String::from_utf8(unhex(endpoint)?).ok()?;
    let of = app.keys.open(SEAL, &sealed)?;
    let (tenant, payment) = of.split_at_checked(16)?;
    let tenant = TenantId::from_uuid(uuid::Uuid::from_slice(tenant).ok()?);
    if payment.is_empty() {
        return Some((tenant, None));
    }
    Some((tenant, Some(PaymentId::from_uuid(uuid::Uuid::from_slice(payment).ok()?))))
}

/// None: there is nothing at this address. The reply says 2xx only when every notice is kept.
pub async fn receive(app: &App, message: Message<'_>) -> Result<Option<Reply>> {
    let known = SLUGS.iter().find(|(slug, _)| *slug == message.provider);
    let (Some((_, kind)), Some((tenant, payment))) = (known, opened(app, message.endpoint)) else {
        return Ok(None);
    };
    let ctx = app.system(tenant, "webhook");
    let provider = match account::provider(&ctx, *kind).await {
        Ok(provider) => provider,
        Err(Error::Refused(_) | Error::Invalid(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let path = (":path".to_owned(), message.path.to_owned());
    let headers: Vec<_> = message.headers.iter().cloned().chain([path]).collect();
    let delivery =
        Delivery { headers: &headers, body: message.body, received_at: app.now(), payment };
    let notices = match provider.read_webhook(&delivery) {
        Ok(notices) => notices,
        Err(WebhookError::Forged) => {
            return Ok(Some(provider.reply(&Verdict::Refused(Why::Forged))));
        }
        Err(WebhookError::Unreadable(error)) => {
            tracing::warn!(%error, provider = message.provider, "a webhook cannot be read");
            return Ok(Some(provider.reply(&Verdict::Refused(Why::Unreadable))));
        }
    };
    let mut verdict = Verdict::Kept;
    for notice in &notices {
        if let About::Question(unasked) = &notice.about {
            let known = asked_for(&ctx, *kind, unasked).await?.is_some()
                || payer_of(&ctx, unasked).await?.is_some();
            verdict = if known { Verdict::Allowed } else { Verdict::Refused(Why::UnknownAccount) };
        }
    }
    let worth = notices.into_iter().filter(|n| !matches!(n.about, About::Question(_)));
    keep(&ctx, *kind, payment, worth.collect()).await?;
    Ok(Some(provider.reply(&verdict)))
}

/// All or none; what is there already is dropped.
async fn keep(
    ctx: &Ctx,
    provider: Provider,
    payment: Option<PaymentId>,
    notices: Vec<Notice>,
) -> Result<()> {
    let notices = &notices;
    ctx.write(|tx| async move {
        for notice in notices {
            keep_one(&tx, provider, payment, notice).await?;
        }
        Ok(())
    })
    .await
}

async fn keep_one(
    tx: &Tx,
    provider: Provider,
    payment: Option<PaymentId>,
    notice: &Notice,
) -> Result<()> {
    let kept = Kept { notice: notice.clone(), payment };
    let text = serde_json::to_vec(&kept).map_err(Error::internal)?;
    let row = Model {
        tenant_id: tx.tenant(),
        id: tx.new_id::<WebhookId>(),
        provider,
        event_id: notice.event_id.clone(),
        event_type: notice.event_type.clone(),
        sealed_notice: tx.ctx().app.keys.encrypt(SEAL, &text)?,
        received_at: tx.now(),
        processed_at: None,
    };
    let id = row.id;
    let same = [Column::TenantId, Column::Provider, Column::EventId];
    let new = Entity::insert(row.into_active_model().reset_all())
        .on_conflict(OnConflict::columns(same).do_nothing().to_owned())
        .exec_without_returning(&**tx)
        .await?;
    if new == 1 {
        tx.record(Event::WebhookReceived { id });
    }
    Ok(())
}

/// The payment that this is the money of: one of the last days, of this amount, with this reference.
async fn asked_for(ctx: &Ctx, provider: Provider, unasked: &Unasked) -> Result<Option<Payment>> {
    let found = payment::Entity::of(ctx.tenant)
        .filter(payment::Column::Provider.eq(provider))
        .filter(payment::Column::AmountMinor.eq(unasked.amount.minor()))
        .filter(payment::Column::CreatedAt.gte(ctx.now() - ASKED_WITHIN))
        .order_by_desc(payment::Column::Id)
        .all(ctx.reader())
        .await?;
    let is_it = |payment: &Payment| {
        let theirs = &unasked.account_reference;
        account_reference(payment).eq_ignore_ascii_case(theirs)
            && payment.provider_transaction.as_ref().is_none_or(|own| *own == unasked.transaction)
    };
    Ok(found.into_iter().find(is_it))
}

/// The customer whose phone was typed as the account: with or without its country code.
async fn payer_of(ctx: &Ctx, unasked: &Unasked) -> Result<Option<customer::Model>> {
    let digits: String = unasked.account_reference.chars().filter(char::is_ascii_digit).collect();
    let Some(end) = digits.len().checked_sub(9).and_then(|from| digits.get(from..)) else {
        return Ok(None);
    };
    let mut found = customer::Entity::of(ctx.tenant)
        .filter(customer::Column::Phone.ends_with(end))
        .filter(customer::Column::ArchivedAt.is_null())
        .all(ctx.reader())
        .await?;
    // Of two nobody knows which.
    Ok(if found.len() == 1 { found.pop() } else { None })
}
