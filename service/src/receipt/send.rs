//! Mailing a receipt to its customer.

use entity::{
    customer,
    receipt::{Column, Entity, Kind, Line, LineKind, Model, ReceiptId},
    tenant::TenantId,
};
use sea_orm::{ColumnTrait, QueryFilter};

use super::pdf;
use crate::{
    ctx::App,
    error::{Error, Result},
    notify::{Attachment, Message},
    user::contact::Contact,
};

/// Once for each receipt: its job's key sees to that. Whom no mail reaches gets none.
pub(crate) async fn run(app: &App, tenant: TenantId, id: ReceiptId) -> Result<()> {
    let ctx = app.system(tenant, "send_receipt");
    let found = Entity::of(tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    let receipt = found.ok_or_else(|| Error::internal("a receipt is gone"))?;
    let customer = customer::Entity::of(tenant)
        .filter(customer::Column::Id.eq(receipt.customer_id))
        .one(ctx.reader())
        .await?;
    let to = customer.and_then(|customer| customer.email).map(Contact::Email);
    let Some(to) = to.filter(|to| app.notifier.reaches(to)) else { return Ok(()) };
    let made = tokio::task::spawn_blocking(move || message(to, &receipt)).await;
    let message = made.map_err(Error::internal)??;
    app.notifier.send(&message).await.map_err(Error::Unavailable)
}

fn message(to: Contact, receipt: &Model) -> Result<Message> {
    let (what, seller) = (title(receipt.kind), &receipt.seller.name);
    let subject = format!("{what} {} from {seller}", receipt.number);
    let attachment = Attachment {
        name: pdf::file_name(receipt),
        media_type: "application/pdf",
        bytes: pdf::render(receipt)?.into(),
    };
    Ok(Message { attachments: vec![attachment], ..Message::new(to, subject, text(receipt)) })
}

pub(super) fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Payment => "Receipt",
        Kind::Refund => "Refund",
        Kind::Reversal => "Reversal",
        Kind::Reinstatement => "Reinstatement",
    }
}

/// The receipt in words, for who does not open the PDF.
fn text(receipt: &Model) -> String {
    let amount = |minor| format!("{} {}", receipt.currency, receipt.of(minor).amount());
    let mut text = format!("{} {}\n{}\n", title(receipt.kind), receipt.number, receipt.description);
    if let Some(original) = &receipt.original_number {
        text += &format!("It belongs to receipt {original}.\n");
    }
    text += "\n";
    for Line { kind, text: what, quantity, amount_minor } in &receipt.lines.0 {
        let counted = quantity.and_then(|quantity| counted(*kind, quantity));
        let counted = counted.map(|counted| format!(", {counted}")).unwrap_or_default();
        text += &format!("{what}{counted}: {}\n", amount(*amount_minor));
    }
    text += &format!("Total: {}\n\nThe PDF is attached.\n\n", amount(receipt.total_minor));
    text + &receipt.seller.name + "\n"
}

/// `34 min`; None where nothing is counted.
pub(super) fn counted(kind: LineKind, quantity: i64) -> Option<String> {
    let unit = match kind {
        LineKind::Minutes => "min",
        LineKind::Distance => "km",
        LineKind::Cap if quantity == 1 => "day",
        LineKind::Cap => "days",
        LineKind::Penalty => "h",
        _ => return None,
    };
    Some(format!("{quantity}\u{a0}{unit}"))
}
