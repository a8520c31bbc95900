//! Receipts, as clients see them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entity::{
    customer::CustomerId,
    payment::PaymentId,
    receipt::{self, ReceiptId},
};
use service::{
    page::{Direction, PageArgs},
    receipt::Filter,
};

use super::{
    connection::{SortDirection, connection, counted, nodes, page},
    customer::Customer,
    money::Money,
    rental::Rental,
    scalar::{DateTime, Decimal, Gid},
};
use crate::{context::Call, error::Result};

/// The document of money that came or went back.
#[derive(Clone)]
pub struct Receipt(pub receipt::Model);

impl From<receipt::Model> for Receipt {
    fn from(model: receipt::Model) -> Self {
        Self(model)
    }
}

/// What happened to the money that a receipt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "receipt::Kind")]
pub enum ReceiptKind {
    /// It came.
    Payment,
    /// It was given back, in part or in full.
    Refund,
    /// The provider took it back after it had come, as a bank does with a direct debit.
    Reversal,
    /// It came again: the provider had taken it back wrongly.
    Reinstatement,
}

/// What one line of a receipt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "receipt::LineKind")]
pub enum ReceiptLineKind {
    /// Charged once for each rental.
    Unlock,
    /// Begun minutes.
    Minutes,
    /// Begun kilometres.
    Distance,
    /// What the daily cap takes off: negative.
    Cap,
    /// For being overdue.
    Penalty,
    /// For a vehicle that did not come back.
    LostVehicle,
    /// A part of a rental's price, without its tax.
    PartPayment,
    /// Taken from a deposit.
    Deposit,
    /// Into the customer's wallet. It has no tax: what is paid from the wallet has.
    TopUp,
    /// Off what the customer owes in all. It has no tax of its own.
    Balance,
    /// Given back: negative.
    Refund,
    /// Taken back by the provider: negative.
    Reversal,
    /// Paid again by the provider.
    Reinstatement,
    /// On the sum of all other lines.
    Tax,
}

/// One line of a receipt. The lines sum to the total exactly.
#[derive(SimpleObject)]
pub struct ReceiptLine {
    /// What it is for.
    kind: ReceiptLineKind,
    /// The same in words, as it is printed.
    text: String,
    /// Begun minutes, begun kilometres, capped days or started hours; null where nothing is counted.
    quantity: Option<i64>,
    /// Negative where money went back, and for a cap.
    amount: Money,
}

/// What one rate of tax came to.
#[derive(SimpleObject)]
pub struct ReceiptTax {
    /// A share of the net amount: `"0.25"` is 25 %.
    rate: Decimal,
    /// What the tax is on.
    net: Money,
    /// The tax.
    amount: Money,
}

/// Who stands on a receipt, as they were called when it was issued.
#[derive(SimpleObject)]
pub struct ReceiptParty {
    /// The business, or the customer.
    name: String,
}

/// The document of a payment or a refund: each that is completed has exactly one, and it never changes. Customers see their
/// own; staff need the permission `ViewMoney`.
#[Object]
impl Receipt {
    /// Global id, `receipt_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Year and number, such as `2026-000042`: counted from 1 in each year of the tenant's time zone, without a gap.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// What happened to the money.
    async fn kind(&self) -> ReceiptKind {
        self.0.kind.into()
    }

    /// The number of the payment's own receipt, for one of a refund, reversal or reinstatement; null where this is it.
    async fn original_number(&self) -> Option<&str> {
        self.0.original_number.as_deref()
    }

    /// When the payment or the refund was completed.
    async fn issued_at(&self) -> DateTime {
        DateTime(self.0.issued_at)
    }

    /// The IANA time zone whose times are printed: the tenant's when it was issued.
    async fn time_zone(&self) -> &str {
        &self.0.time_zone
    }

    /// Tax included; negative where money went back.
    async fn total(&self) -> Money {
        self.0.total().into()
    }

    /// The tax in the total. That of a part is rounded so that all parts sum to the tax of the whole.
    async fn tax(&self) -> Money {
        self.0.tax().into()
    }

    /// The tax by its rates; empty where there is none.
    async fn taxes(&self) -> Vec<ReceiptTax> {
        let tax = |tax: &receipt::Tax| ReceiptTax {
            rate: Decimal(tax.rate),
            net: self.0.of(tax.net_minor).into(),
            amount: self.0.of(tax.amount_minor).into(),
        };
        self.0.taxes.0.iter().map(tax).collect()
    }

    /// What the money was for, as it is printed.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// They sum to the total exactly.
    async fn lines(&self) -> Vec<ReceiptLine> {
        let line = |line: &receipt::Line| ReceiptLine {
            kind: line.kind.into(),
            text: line.text.clone(),
            quantity: line.quantity,
            amount: self.0.of(line.amount_minor).into(),
        };
        self.0.lines.0.iter().map(line).collect()
    }

    /// The business.
    async fn seller(&self) -> ReceiptParty {
        ReceiptParty { name: self.0.seller.name.clone() }
    }

    /// The customer, as they were called then.
    async fn buyer(&self) -> ReceiptParty {
        ReceiptParty { name: self.0.buyer.name.clone() }
    }

    /// The customer as they now are; null when removed in the meantime.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        Ok(ctx.load()?.load_one(self.0.customer_id).await?.map(Customer))
    }

    /// The rental that was paid; null where the money was for none.
    async fn rental(&self, ctx: &Context<'_>) -> Result<Option<Rental>> {
        let Some(id) = self.0.rental_id else { return Ok(None) };
        Ok(ctx.load()?.load_one(id).await?.map(Rental))
    }

    /// The global id of the payment, also for a receipt of its refund.
    async fn payment_id(&self) -> ID {
        self.0.payment_id.to_string().into()
    }

    /// The global id of the refund; null for receipts of other kinds.
    async fn refund_id(&self) -> Option<ID> {
        self.0.refund_id.map(|id| id.to_string().into())
    }

    /// The provider's name for the movement of the money: a charge, an M-Pesa receipt number; null where it has none, such as
    /// cash.
    async fn provider_reference(&self) -> Option<&str> {
        self.0.provider_reference.as_deref()
    }

    /// Where a browser gets it as PDF within the next 15 minutes, without signing in: whoever has the link has the receipt. A
    /// program gets the same at `/receipts/<id>.pdf` with its token, at any time.
    async fn pdf_url(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(service::receipt::link::url(ctx.call()?, &self.0))
    }
}

connection!(ReceiptConnection, ReceiptEdge, Receipt, "receipts");

/// Which receipts; all conditions must hold.
#[derive(Clone, Default, InputObject)]
pub struct ReceiptFilter {
    /// Of this customer. A customer's login sees its own anyway.
    pub customer_id: Option<Gid<CustomerId>>,
    /// Of this payment and its refunds.
    pub payment_id: Option<Gid<PaymentId>>,
    /// Of this kind.
    pub kind: Option<ReceiptKind>,
    /// With exactly this number.
    pub number: Option<String>,
    /// Numbered in this year.
    pub year: Option<i32>,
    /// Issued at or after.
    pub issued_from: Option<DateTime>,
    /// Issued before.
    pub issued_before: Option<DateTime>,
}

impl From<ReceiptFilter> for Filter {
    fn from(filter: ReceiptFilter) -> Self {
        Self {
            customer: filter.customer_id.map(|Gid(id)| id),
            payment: filter.payment_id.map(|Gid(id)| id),
            kind: filter.kind.map(Into::into),
            number: filter.number,
            year: filter.year,
            issued_from: filter.issued_from.map(|DateTime(time)| time),
            issued_before: filter.issued_before.map(|DateTime(time)| time),
        }
    }
}

pub async fn receipts_page(
    ctx: &Context<'_>,
    filter: ReceiptFilter,
    direction: Option<SortDirection>,
    args: PageArgs,
) -> Result<ReceiptConnection> {
    let filter = Arc::new(Filter::from(filter));
    let direction = direction.map_or(Direction::Descending, Direction::from);
    let found = service::receipt::list(ctx.call()?, &filter, direction, &args).await?;
    let count = counted(move |call| {
        let filter = Arc::clone(&filter);
        async move { service::receipt::count(&call, &filter).await }
    });
    Ok(ReceiptConnection { page: nodes(found), count })
}

#[derive(Default)]
pub struct ReceiptQuery;

#[Object]
impl ReceiptQuery {
    /// One receipt; null when there is none of this id that you may see.
    async fn receipt(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] id: Gid<ReceiptId>,
    ) -> Result<Option<Receipt>> {
        let mut found = service::receipt::get_many(ctx.call()?, &[id.0]).await?;
        Ok(found.pop().map(Receipt))
    }

    /// Receipts by issue, newest first when not sorted otherwise. Customers see their own; staff need the permission
    /// `ViewMoney`.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four and two of the list")]
    async fn receipts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only receipts that match.")] filter: Option<ReceiptFilter>,
        #[graphql(desc = "Which way by issue; newest first when not given.")] direction: Option<
            SortDirection,
        >,
    ) -> Result<ReceiptConnection> {
        let args = page(first, after, last, before);
        receipts_page(ctx, filter.unwrap_or_default(), direction, args).await
    }
}
