//! Making a receipt, within the very write that completes a payment or a refund: so each has exactly one.

use chrono::Datelike;
use chrono_tz::Tz;
use entity::{
    customer, payment, price_line,
    receipt::{Column, Entity, Kind, Model, Party},
    refund, rental, tenant, vehicle,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Statement, Value,
};

use super::{
    lines::{self, Content, Price},
    tax::Taxed,
};
use crate::{
    error::{Error, Result},
    event::Event,
    write::Tx,
};

/// What happened to the money, with its rows as this write leaves them.
#[derive(Clone, Copy)]
pub enum Cause<'a> {
    /// It came: what was captured.
    Payment(&'a payment::Model),
    /// It was given back.
    Refund(&'a payment::Model, &'a refund::Model),
    /// The provider took back what was left of it.
    Reversal(&'a payment::Model),
    /// What the provider had taken back came again.
    Reinstatement(&'a payment::Model),
}

impl<'a> Cause<'a> {
    fn payment(self) -> &'a payment::Model {
        match self {
            Self::Payment(payment)
            | Self::Refund(payment, _)
            | Self::Reversal(payment)
            | Self::Reinstatement(payment) => payment,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Payment(_) => Kind::Payment,
            Self::Refund(..) => Kind::Refund,
            Self::Reversal(_) => Kind::Reversal,
            Self::Reinstatement(_) => Kind::Reinstatement,
        }
    }

    /// The provider's name for this movement of money.
    fn reference(self) -> Option<String> {
        let payment = self.payment();
        let own = || payment.provider_transaction.clone().or(payment.provider_reference.clone());
        match self {
            Self::Refund(_, refund) => refund.provider_reference.clone().or_else(own),
            _ => own(),
        }
    }
}

/// Gives the next number of the tenant's year, and announces it.
///
/// Called last in its write, after all that locks accounts: from here on other receipts of the tenant wait. A second
/// receipt for the same is refused by the database, and its whole write with it.
pub async fn issue(tx: &Tx, cause: Cause<'_>) -> Result<Model> {
    let payment = cause.payment();
    let scene = Scene::of(tx, payment).await?;
    let year = tx.now().with_timezone(&scene.zone).year();
    let seq = next_number(tx, year).await?;
    // Under the counter's lock, which makes what was issued before stand still.
    let Body { content, round, original_number } = body(tx, &scene, cause).await?;
    let receipt = Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        number: format!("{year}-{seq:06}"),
        year,
        seq,
        kind: cause.kind(),
        payment_id: payment.id,
        refund_id: match cause {
            Cause::Refund(_, refund) => Some(refund.id),
            _ => None,
        },
        round,
        original_number,
        customer_id: payment.customer_id,
        rental_id: payment.rental_id,
        issued_at: tx.now(),
        time_zone: scene.zone.name().to_owned(),
        currency: payment.currency,
        total_minor: content.total_minor,
        tax_minor: content.tax_minor,
        taxes: content.taxes,
        description: scene.description(payment),
        lines: content.lines,
        seller: Party { name: scene.tenant.name },
        buyer: Party { name: scene.customer.name },
        provider: payment.provider,
        provider_reference: cause.reference(),
    };
    let made = receipt.into_active_model().reset_all().insert(&**tx).await?;
    tx.record(Event::ReceiptIssued { id: made.id, customer: made.customer_id });
    Ok(made)
}

/// What a receipt says beside who it is for.
struct Body {
    content: Content,
    round: i32,
    original_number: Option<String>,
}

async fn body(tx: &Tx, scene: &Scene, cause: Cause<'_>) -> Result<Body> {
    if let Cause::Payment(payment) = cause {
        let content = scene.came(tx, payment).await?;
        return Ok(Body { content, round: 0, original_number: None });
    }
    let before = of_payment(tx, cause.payment()).await?;
    let original = before.iter().find(|receipt| receipt.kind == Kind::Payment);
    let original =
        original.ok_or_else(|| Error::internal("money goes back that no receipt says came"))?;
    let (content, round) = went(cause, original, &before)?;
    Ok(Body { content, round, original_number: Some(original.number.clone()) })
}

/// The next number; the row stays locked until the write ends.
async fn next_number(tx: &Tx, year: i32) -> Result<i64> {
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "INSERT INTO receipt_counter (tenant_id, year, last_seq) VALUES ($1, $2, 1)
         ON CONFLICT (tenant_id, year) DO UPDATE SET last_seq = receipt_counter.last_seq + 1 RETURNING last_seq",
        [tx.tenant().into(), year.into()],
    );
    let row = tx.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("a counter without a number"))?;
    Ok(row.try_get("", "last_seq")?)
}

/// All of one payment.
async fn of_payment(tx: &Tx, payment: &payment::Model) -> Result<Vec<Model>> {
    let all = Entity::of(tx.tenant()).filter(Column::PaymentId.eq(payment.id));
    Ok(all.order_by_asc(Column::Year).order_by_asc(Column::Seq).all(&**tx).await?)
}

/// What goes back, or comes again, and which time that is.
fn went(cause: Cause<'_>, original: &Model, before: &[Model]) -> Result<(Content, i32)> {
    let times = |kind| before.iter().filter(|receipt| receipt.kind == kind).count();
    let counted = |times: usize| i32::try_from(times).map_err(Error::internal);
    let (amounts, round) = match cause {
        Cause::Refund(_, refund) => {
            let refunds = before.iter().filter(|receipt| receipt.kind == Kind::Refund);
            let so_far = sum(refunds).negated();
            let whole = sum([original]);
            let tax_minor = whole.next(so_far, refund.amount_minor);
            (Taxed { total_minor: refund.amount_minor, tax_minor }, 0)
        }
        Cause::Reversal(_) => (sum(before), counted(times(Kind::Reinstatement) + 1)?),
        Cause::Payment(_) | Cause::Reinstatement(_) => {
            let taken = before.iter().rfind(|receipt| receipt.kind == Kind::Reversal);
            let taken = taken.ok_or_else(|| Error::internal("nothing was taken back"))?;
            (sum([taken]).negated(), counted(times(Kind::Reversal))?)
        }
    };
    let rate = original.taxes.0.first().map(|tax| tax.rate);
    Ok((lines::counter(cause.kind(), amounts, rate), round))
}

fn sum<'a>(receipts: impl IntoIterator<Item = &'a Model>) -> Taxed {
    let none = Taxed { total_minor: 0, tax_minor: 0 };
    receipts.into_iter().fold(none, |sum, receipt| Taxed {
        total_minor: sum.total_minor + receipt.total_minor,
        tax_minor: sum.tax_minor + receipt.tax_minor,
    })
}

impl Taxed {
    fn negated(self) -> Self {
        Self { total_minor: -self.total_minor, tax_minor: -self.tax_minor }
    }
}

/// Who and what a receipt tells of.
struct Scene {
    tenant: tenant::Model,
    zone: Tz,
    customer: customer::Model,
    /// With the number of its vehicle.
    rental: Option<(rental::Model, String)>,
}

impl Scene {
    async fn of(tx: &Tx, payment: &payment::Model) -> Result<Self> {
        let gone = || Error::internal("a payment of nobody");
        let tenant = tenant::Entity::all().filter(tenant::Column::Id.eq(tx.tenant()));
        let tenant = tenant.one(&**tx).await?.ok_or_else(gone)?;
        let customer = customer::Entity::of(tx.tenant())
            .filter(customer::Column::Id.eq(payment.customer_id))
            .one(&**tx)
            .await?
            .ok_or_else(gone)?;
        let rental = match payment.rental_id {
            Some(id) => rental_with_vehicle(tx, id).await?,
            None => None,
        };
        let zone = tenant.time_zone.parse().map_err(Error::internal)?;
        Ok(Self { tenant, zone, customer, rental })
    }

    fn description(&self, payment: &payment::Model) -> String {
        let rental = self.rental.as_ref().map(|(rental, vehicle)| (rental, vehicle.as_str()));
        lines::description(payment.purpose, rental, self.zone)
    }

    /// What came: for a rental that has a price, with its part of the tax.
    async fn came(&self, tx: &Tx, payment: &payment::Model) -> Result<Content> {
        let amount = payment.captured_minor;
        let rental = self.rental.as_ref().map(|(rental, _)| rental);
        let Some(rental) = rental.filter(|rental| rental.price_minor.is_some()) else {
            return Ok(lines::untaxed(payment.purpose, amount));
        };
        let so_far = paid_for(tx, rental.id).await?;
        let price_lines = price_line::Entity::of(tx.tenant())
            .filter(price_line::Column::RentalId.eq(rental.id))
            .order_by_asc(price_line::Column::Position)
            .all(&**tx)
            .await?;
        let price = Price { lines: price_lines, tax_rate: rental.terms.tax_rate };
        Ok(lines::of_rental(&price, payment.purpose, so_far, amount))
    }
}

async fn rental_with_vehicle(
    tx: &Tx,
    id: rental::RentalId,
) -> Result<Option<(rental::Model, String)>> {
    let rental = rental::Entity::of(tx.tenant()).filter(rental::Column::Id.eq(id));
    let Some(rental) = rental.one(&**tx).await? else { return Ok(None) };
    let number: Option<String> = vehicle::Entity::of(tx.tenant())
        .filter(vehicle::Column::Id.eq(rental.vehicle_id))
        .select_only()
        .column(vehicle::Column::Number)
        .into_tuple()
        .one(&**tx)
        .await?;
    Ok(Some((rental, number.unwrap_or_default())))
}

/// What the receipts for a rental come to, those of what went back taken off.
async fn paid_for(tx: &Tx, rental: rental::RentalId) -> Result<Taxed> {
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "SELECT CAST(coalesce(sum(total_minor), 0) AS BIGINT) AS total, CAST(coalesce(sum(tax_minor), 0) AS BIGINT) AS tax
         FROM receipt WHERE tenant_id = $1 AND rental_id = $2",
        [Value::from(tx.tenant()), rental.into()],
    );
    let row = tx.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("a sum has a row"))?;
    Ok(Taxed { total_minor: row.try_get("", "total")?, tax_minor: row.try_get("", "tax")? })
}
