//! An account over a period: what it began with, each movement with what it left, and what it ended with.

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    Id,
    account::{self, AccountId, Side},
    money::Money,
    transfer::{self, Column, Phase},
};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, Statement as Sql};
use uuid::Uuid;

use super::{
    account as accounts,
    period::{Period, Zone},
    transfer::{self as transfers, Rows},
};
use crate::{
    ctx::Ctx,
    error::{Error, Result, Subject},
    page::{self, Direction, Page, PageArgs},
};

#[derive(Clone, Debug)]
pub struct Statement {
    pub account: account::Model,
    period: Period,
    opening: Sums,
    closing: Sums,
}

/// A movement on one side of the account.
#[derive(Clone, Debug)]
pub struct Line {
    pub transfer: transfer::Model,
    pub side: Side,
    /// The other account.
    pub counter: AccountId,
    /// The account's balance after it.
    pub balance: Money,
}

/// What was posted to both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    debits: i64,
    credits: i64,
}

/// Both days belong to it.
pub async fn get(
    ctx: &Ctx,
    id: AccountId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<Statement> {
    let account = accounts::get(ctx, id).await?;
    let period = Zone::of(ctx).await?.days(from, to)?;
    let opening = match period.from {
        Some(from) => before(ctx, id, from, Uuid::nil()).await?,
        None => Sums::default(),
    };
    let closing = match period.before {
        Some(end) => before(ctx, id, end, Uuid::nil()).await?,
        None => Sums { debits: account.debits_posted, credits: account.credits_posted },
    };
    Ok(Statement { account, period, opening, closing })
}

impl Statement {
    pub fn opening(&self) -> Money {
        self.balance(self.opening)
    }

    pub fn closing(&self) -> Money {
        self.balance(self.closing)
    }

    /// What was debited within the period.
    pub fn debits(&self) -> Money {
        self.money(self.closing.debits - self.opening.debits)
    }

    pub fn credits(&self) -> Money {
        self.money(self.closing.credits - self.opening.credits)
    }

    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.account.currency)
    }

    fn balance(&self, sums: Sums) -> Money {
        self.account.kind.balance(sums.debits, sums.credits, self.account.currency)
    }

    /// Its movements; holds are none.
    pub fn rows(&self, ctx: &Ctx) -> Rows {
        let Rows(all) = Rows::of(ctx, &self.period);
        let touching = all.filter(transfers::touching(self.account.id));
        Rows(touching.filter(Column::Phase.is_in(Phase::MOVES)))
    }

    /// The oldest first.
    pub async fn lines(&self, ctx: &Ctx, page: &PageArgs) -> Result<Page<Line>> {
        let sort = transfers::by_time(Direction::Ascending);
        // A cursor belongs to the account; the period may be another.
        let list = format!("statement {}", self.account.id);
        let Page { items, has_next, has_previous } =
            page::fetch(ctx, &list, self.rows(ctx).0, sort, page).await?;
        let mut running = match items.first() {
            Some((_, first)) => {
                before(ctx, self.account.id, first.created_at, first.id.uuid()).await?
            }
            None => self.opening,
        };
        let line = |(cursor, transfer)| (cursor, self.line(&mut running, transfer));
        Ok(Page { items: items.into_iter().map(line).collect(), has_next, has_previous })
    }

    pub async fn count(&self, ctx: &Ctx) -> Result<i64> {
        page::count(self.rows(ctx).0, ctx.reader()).await
    }

    fn line(&self, running: &mut Sums, transfer: transfer::Model) -> Line {
        let (side, counter) = if transfer.debit_account_id == self.account.id {
            running.debits += transfer.amount_minor;
            (Side::Debit, transfer.credit_account_id)
        } else {
            running.credits += transfer.amount_minor;
            (Side::Credit, transfer.debit_account_id)
        };
        Line { transfer, side, counter, balance: self.balance(*running) }
    }

    /// For those who read all of it, in its order and from its beginning.
    pub fn follow(self) -> Follower {
        Follower { running: self.opening, statement: self }
    }
}

/// Knows the balance so far.
pub struct Follower {
    statement: Statement,
    running: Sums,
}

impl Follower {
    pub fn line(&mut self, transfer: transfer::Model) -> Line {
        self.statement.line(&mut self.running, transfer)
    }
}

/// What had been posted before this place in the order of time: what the account has now, less what came since. One
/// statement, so that nothing is posted in between.
async fn before(ctx: &Ctx, id: AccountId, at: DateTime<Utc>, from: Uuid) -> Result<Sums> {
    let since = |side: &str| {
        format!(
            "a.{side}s_posted - (SELECT CAST(coalesce(sum(t.amount_minor), 0) AS BIGINT) FROM transfer t
             WHERE t.tenant_id = $1 AND t.{side}_account_id = $2 AND t.phase IN ('single', 'posted')
             AND (t.created_at, t.id) >= ($3, $4)) AS {side}s"
        )
    };
    let (debits, credits) = (since("debit"), since("credit"));
    let sql =
        format!("SELECT {debits}, {credits} FROM account a WHERE a.tenant_id = $1 AND a.id = $2");
    let values = [ctx.tenant.into(), id.into(), at.into(), from.into()];
    let db = ctx.reader();
    let sql = Sql::from_sql_and_values(db.get_database_backend(), sql, values);
    let row = db.query_one_raw(sql).await?.ok_or(Error::NotFound(Subject::Account))?;
    Ok(Sums { debits: row.try_get("", "debits")?, credits: row.try_get("", "credits")? })
}
