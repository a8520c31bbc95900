//! What stands where on a receipt.

use entity::{
    payment::Provider,
    receipt::{Kind, Line, LineKind, Model},
};

use super::{
    font::{Faces, Weight::Bold, Weight::Regular},
    sheet::{Color, GREEN, GREY, HAIR, HEIGHT, INK, Item, LEFT, RED, RIGHT, Sheets, Style, style},
};
use crate::receipt::{lines::percent, send};

const NAME: Style = style(16.0, Bold, INK);
const NUMBER: Style = style(11.0, Regular, INK);
const LABEL: Style = style(8.0, Regular, GREY);
const TEXT: Style = style(10.0, Regular, INK);
const STRONG: Style = style(10.0, Bold, INK);
const TOTAL: Style = style(13.0, Bold, INK);

/// Where the left half ends, and the right one begins.
const HALF: f32 = 300.0;
const BESIDE: f32 = 326.0;
/// Where quantities end.
const QUANTITY: f32 = 430.0;
const ROW: f32 = 21.0;

pub(super) fn pages(receipt: &Model, faces: &Faces) -> Vec<Vec<Item>> {
    let mut sheets = Sheets::new(faces);
    head(&mut sheets, receipt);
    parties(&mut sheets, receipt);
    table(&mut sheets, receipt);
    totals(&mut sheets, receipt);
    let pages = sheets.count();
    sheets.on_each(|sheets, page| foot(sheets, receipt, page, pages));
    sheets.into_pages()
}

fn accent(receipt: &Model) -> Color {
    match receipt.kind {
        Kind::Payment | Kind::Reinstatement => GREEN,
        Kind::Refund | Kind::Reversal => RED,
    }
}

fn title(receipt: &Model) -> String {
    send::title(receipt.kind).to_uppercase()
}

fn head(sheets: &mut Sheets<'_>, receipt: &Model) {
    let top = sheets.y;
    sheets.rule(LEFT, RIGHT, top - 34.0, (2.5, accent(receipt)));
    let is_long = receipt.seller.name.chars().count() > 48;
    let style = if is_long { Style { size: 12.0, ..NAME } } else { NAME };
    let name = sheets.wrapped(&receipt.seller.name, style, HALF - LEFT);
    let below = sheets.lines(LEFT, top, style, name);
    let marked = Style { color: accent(receipt), ..NAME };
    sheets.right(RIGHT, top, marked, &title(receipt));
    sheets.right(RIGHT, top + 18.0, NUMBER, &receipt.number);
    sheets.y = below.max(top + 36.0) + 16.0;
}

fn parties(sheets: &mut Sheets<'_>, receipt: &Model) {
    let top = sheets.y;
    let went = matches!(receipt.kind, Kind::Refund | Kind::Reversal);
    let y = field(sheets, LEFT, top, if went { "To" } else { "From" }, &receipt.buyer.name);
    let left = field(sheets, LEFT, y, "For", &receipt.description);
    let zone = receipt.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let date = receipt.issued_at.with_timezone(&zone).format("%-d %B %Y, %H:%M %Z").to_string();
    let mut y = field(sheets, BESIDE, top, "Date", &date);
    if let Some(original) = &receipt.original_number {
        let what = format!("{} of receipt", send::title(receipt.kind));
        y = field(sheets, BESIDE, y, &what, original);
    }
    y = field(
        sheets,
        BESIDE,
        y,
        if went { "Through" } else { "Paid by" },
        provider(receipt.provider),
    );
    if let Some(reference) = &receipt.provider_reference {
        y = field(sheets, BESIDE, y, "Reference", reference);
    }
    sheets.y = left.max(y) + 14.0;
}

/// A label and what it says; gives where the next one would begin.
fn field(sheets: &mut Sheets<'_>, x: f32, y: f32, label: &str, value: &str) -> f32 {
    let width = if x < HALF { HALF - x } else { RIGHT - x };
    sheets.left(x, y, LABEL, label);
    let value = sheets.wrapped(value, TEXT, width);
    sheets.lines(x, y + 13.0, TEXT, value) + 9.0
}

fn provider(provider: Provider) -> &'static str {
    match provider {
        Provider::Demo => "Demo provider, no money moved",
        Provider::Stripe => "Stripe",
        Provider::Mpesa => "M-Pesa",
        Provider::BankApi => "Direct debit, GoCardless",
        Provider::Cash => "Cash",
        Provider::Wallet => "Wallet",
    }
}

fn table(sheets: &mut Sheets<'_>, receipt: &Model) {
    heading(sheets, receipt);
    let rows = receipt.lines.0.iter().filter(|line| line.kind != LineKind::Tax);
    for line in rows {
        row(sheets, receipt, line);
    }
}

fn heading(sheets: &mut Sheets<'_>, receipt: &Model) {
    let y = sheets.y;
    sheets.left(LEFT, y, LABEL, "Description");
    sheets.right(QUANTITY, y, LABEL, "Quantity");
    sheets.right(RIGHT, y, LABEL, &format!("Amount, {}", receipt.currency));
    sheets.rule(LEFT, RIGHT, y + 6.0, (0.8, INK));
    sheets.y = y + ROW;
}

fn row(sheets: &mut Sheets<'_>, receipt: &Model, line: &Line) {
    let text = sheets.wrapped(&line.text, TEXT, HALF);
    let height = ROW + TEXT.leading() * (text.len().saturating_sub(1) as f32);
    if sheets.need(height) {
        heading(sheets, receipt);
    }
    let y = sheets.y;
    sheets.lines(LEFT, y, TEXT, text);
    let quantity = line.quantity.and_then(|quantity| send::counted(line.kind, quantity));
    if let Some(quantity) = quantity {
        sheets.right(QUANTITY, y, TEXT, &quantity);
    }
    sheets.right(RIGHT, y, TEXT, &amount(receipt, line.amount_minor));
    sheets.rule(LEFT, RIGHT, y + height - ROW + 7.0, (0.4, HAIR));
    sheets.y = y + height;
}

fn totals(sheets: &mut Sheets<'_>, receipt: &Model) {
    let taxes = &receipt.taxes.0;
    sheets.need(ROW * (taxes.len() as f32 + 3.0));
    sheets.y += 4.0;
    if !taxes.is_empty() {
        sum(sheets, TEXT, "Without tax", &amount(receipt, receipt.total_minor - receipt.tax_minor));
    }
    for tax in taxes {
        let on = amount(receipt, tax.net_minor);
        let label = format!("Tax, {} of {on}", percent(tax.rate));
        sum(sheets, TEXT, &label, &amount(receipt, tax.amount_minor));
    }
    sheets.rule(BESIDE, RIGHT, sheets.y - 13.0, (0.8, INK));
    sheets.y += 5.0;
    let total = amount(receipt, receipt.total_minor);
    let label = match receipt.kind {
        Kind::Refund => "Refunded",
        Kind::Reversal => "Taken back",
        Kind::Payment | Kind::Reinstatement => "Total paid",
    };
    sheets.left(BESIDE, sheets.y, STRONG, label);
    sheets.right(RIGHT, sheets.y, TOTAL, &format!("{}\u{a0}{total}", receipt.currency));
}

fn sum(sheets: &mut Sheets<'_>, style: Style, label: &str, amount: &str) {
    sheets.left(BESIDE, sheets.y, style, label);
    sheets.right(RIGHT, sheets.y, style, amount);
    sheets.y += ROW - 2.0;
}

fn foot(sheets: &mut Sheets<'_>, receipt: &Model, page: usize, pages: usize) {
    let y = HEIGHT - 44.0;
    sheets.rule(LEFT, RIGHT, y - 14.0, (0.4, HAIR));
    sheets.left(LEFT, y, LABEL, &format!("{} {}", send::title(receipt.kind), receipt.number));
    sheets.right(RIGHT, y, LABEL, &format!("Page {page} of {pages}"));
}

/// `−1 234.50`, with narrow spaces that do not break.
fn amount(receipt: &Model, minor: i64) -> String {
    let plain = receipt.of(minor).amount().abs().to_string();
    let (whole, decimals) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut text = String::from(if minor < 0 { "\u{2212}" } else { "" });
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if !decimals.is_empty() {
        text.push('.');
        text.push_str(decimals);
    }
    text
}
