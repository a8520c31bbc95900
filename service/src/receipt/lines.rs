//! What stands on a receipt: its lines with their tax, in words.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::{
    payment::Purpose,
    price_line,
    receipt::{Kind, Line, LineKind, Lines, Tax, Taxes},
    rental, tariff,
};
use rust_decimal::Decimal;

use super::tax::Taxed;

/// The part of a receipt that sums up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub total_minor: i64,
    pub tax_minor: i64,
    pub lines: Lines,
    pub taxes: Taxes,
}

/// What a rental came to.
pub(super) struct Price {
    pub lines: Vec<price_line::Model>,
    pub tax_rate: Decimal,
}

impl Price {
    pub fn taxed(&self) -> Taxed {
        let is_tax = |line: &&price_line::Model| line.kind == tariff::LineKind::Tax;
        let sum = |lines: &mut dyn Iterator<Item = &price_line::Model>| {
            lines.map(|line| line.amount_minor).sum()
        };
        Taxed {
            total_minor: sum(&mut self.lines.iter()),
            tax_minor: sum(&mut self.lines.iter().filter(is_tax)),
        }
    }
}

/// Money that came for a rental, after the receipts so far.
pub(super) fn of_rental(
    price: &Price,
    purpose: Purpose,
    so_far: Taxed,
    amount_minor: i64,
) -> Content {
    let whole = price.taxed();
    let is_first = so_far == (Taxed { total_minor: 0, tax_minor: 0 });
    if is_first && purpose == Purpose::Rental && amount_minor == whole.total_minor {
        let lines = price.lines.iter().map(|line| Line {
            kind: line.kind.into(),
            text: text(line.kind.into(), Some(price.tax_rate)),
            quantity: line.quantity,
            amount_minor: line.amount_minor,
        });
        return Content::new(lines.collect(), Some(price.tax_rate));
    }
    let kind = match purpose {
        Purpose::Deposit => LineKind::Deposit,
        Purpose::Rental | Purpose::TopUp | Purpose::Balance => LineKind::PartPayment,
    };
    let tax_minor = whole.next(so_far, amount_minor);
    Content::single(kind, amount_minor, tax_minor, Some(price.tax_rate))
}

/// Money that came for nothing in particular: it has no tax.
pub(super) fn untaxed(purpose: Purpose, amount_minor: i64) -> Content {
    let kind = match purpose {
        Purpose::Rental => LineKind::PartPayment,
        Purpose::Deposit => LineKind::Deposit,
        Purpose::TopUp => LineKind::TopUp,
        Purpose::Balance => LineKind::Balance,
    };
    Content::single(kind, amount_minor, 0, None)
}

/// Money that went back, or came again; `rate` is that of the payment's own receipt.
pub(super) fn counter(kind: Kind, amounts: Taxed, rate: Option<Decimal>) -> Content {
    let (line, sign) = match kind {
        Kind::Payment | Kind::Reinstatement => (LineKind::Reinstatement, 1),
        Kind::Refund => (LineKind::Refund, -1),
        Kind::Reversal => (LineKind::Reversal, -1),
    };
    Content::single(line, sign * amounts.total_minor, sign * amounts.tax_minor, rate)
}

impl Content {
    fn single(kind: LineKind, total: i64, tax: i64, rate: Option<Decimal>) -> Self {
        let line = |kind, amount_minor| {
            let text = text(kind, rate);
            Line { kind, text, quantity: None, amount_minor }
        };
        let mut lines = vec![line(kind, total - tax)];
        if tax != 0 {
            lines.push(line(LineKind::Tax, tax));
        }
        Self::new(lines, rate)
    }

    fn new(lines: Vec<Line>, rate: Option<Decimal>) -> Self {
        let is_tax = |line: &&Line| line.kind == LineKind::Tax;
        let total_minor: i64 = lines.iter().map(|line| line.amount_minor).sum();
        let tax_minor: i64 = lines.iter().filter(is_tax).map(|line| line.amount_minor).sum();
        let tax = |rate| Tax { rate, net_minor: total_minor - tax_minor, amount_minor: tax_minor };
        let taxes = rate.filter(|rate| !rate.is_zero()).map(tax).into_iter().collect();
        Self { total_minor, tax_minor, lines: Lines(lines), taxes: Taxes(taxes) }
    }
}

fn text(kind: LineKind, rate: Option<Decimal>) -> String {
    let words = match kind {
        LineKind::Unlock => "Unlocking",
        LineKind::Minutes => "Riding time",
        LineKind::Distance => "Distance",
        LineKind::Cap => "Daily cap",
        LineKind::Penalty => "Late return",
        LineKind::LostVehicle => "Vehicle not returned",
        LineKind::PartPayment => "Part payment",
        LineKind::Deposit => "Taken from the deposit",
        LineKind::TopUp => "Top-up of the wallet",
        LineKind::Balance => "Payment of the balance",
        LineKind::Refund => "Refund",
        LineKind::Reversal => "Taken back by the payment provider",
        LineKind::Reinstatement => "Paid again by the payment provider",
        LineKind::Tax => return format!("Tax {}", percent(rate.unwrap_or_default())),
    };
    words.to_owned()
}

/// `0.08875` is `8.875 %`.
pub(super) fn percent(rate: Decimal) -> String {
    format!("{}\u{a0}%", (rate * Decimal::ONE_HUNDRED).normalize())
}

/// What the money was for.
pub(super) fn description(
    purpose: Purpose,
    rental: Option<(&rental::Model, &str)>,
    zone: Tz,
) -> String {
    if let Some((rental, vehicle)) = rental {
        let time = |at: DateTime<Utc>, form| at.with_timezone(&zone).format(form).to_string();
        let start = time(rental.started_at, "%-d %B %Y, %H:%M");
        let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        let end = rental.ended_at.map(|end| match day(end) == day(rental.started_at) {
            true => time(end, "\u{2009}–\u{2009}%H:%M"),
            false => time(end, " to %-d %B %Y, %H:%M"),
        });
        return format!("Rental of {vehicle}, {start}{}", end.unwrap_or_default());
    }
    let words = match purpose {
        Purpose::Rental => "Rental",
        Purpose::Deposit => "Deposit",
        Purpose::TopUp => "Wallet",
        Purpose::Balance => "Balance of the account",
    };
    words.to_owned()
}
