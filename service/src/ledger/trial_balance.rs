//! All accounts of a tenant at once: both sides come to the same.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use entity::{
    account::Kind,
    money::{Currency, Money},
};
use sea_orm::{ConnectionTrait, Statement};

use super::period::{LAST_YEAR, Zone};
use crate::{ctx::Ctx, error::Result, permission::Permission};

/// In one currency.
#[derive(Clone, Debug)]
pub struct TrialBalance {
    pub currency: Currency,
    pub debits: Money,
    pub credits: Money,
    pub lines: Vec<Line>,
}

/// The accounts of one kind together.
#[derive(Clone, Debug)]
pub struct Line {
    pub kind: Kind,
    pub debits: Money,
    pub credits: Money,
}

/// What the accounts have, less what came after the moment.
const SQL: &str = "SELECT a.currency, a.kind,
        CAST(sum(a.debits_posted - coalesce(d.later, 0)) AS BIGINT) AS debits,
        CAST(sum(a.credits_posted - coalesce(c.later, 0)) AS BIGINT) AS credits
    FROM account a
    LEFT JOIN (SELECT debit_account_id AS id, sum(amount_minor) AS later FROM transfer
        WHERE tenant_id = $1 AND created_at >= $2 AND phase IN ('single', 'posted') GROUP BY debit_account_id) d ON d.id = a.id
    LEFT JOIN (SELECT credit_account_id AS id, sum(amount_minor) AS later FROM transfer
        WHERE tenant_id = $1 AND created_at >= $2 AND phase IN ('single', 'posted') GROUP BY credit_account_id) c ON c.id = a.id
    WHERE a.tenant_id = $1 GROUP BY a.currency, a.kind";

/// Everything that was posted up to the end of a day, or until now; by currency.
pub async fn get(ctx: &Ctx, as_of: Option<NaiveDate>) -> Result<Vec<TrialBalance>> {
    ctx.require(Permission::ViewMoney)?;
    let as_of = as_of.or(NaiveDate::from_ymd_opt(LAST_YEAR, 1, 1));
    let end = Zone::of(ctx).await?.days(None, as_of)?.before;
    let db = ctx.reader();
    let values = [ctx.tenant.into(), end.into()];
    let sql = Statement::from_sql_and_values(db.get_database_backend(), SQL, values);
    let mut currencies: BTreeMap<Currency, Vec<Line>> = BTreeMap::new();
    for row in db.query_all_raw(sql).await? {
        let currency: Currency = row.try_get("", "currency")?;
        let money = |side| Ok::<_, sea_orm::DbErr>(Money::new(row.try_get("", side)?, currency));
        let (kind, debits, credits) =
            (row.try_get("", "kind")?, money("debits")?, money("credits")?);
        // An account that came later.
        if debits.minor() != 0 || credits.minor() != 0 {
            currencies.entry(currency).or_default().push(Line { kind, debits, credits });
        }
    }
    Ok(currencies.into_iter().map(|(currency, lines)| sum(currency, lines)).collect())
}

fn sum(currency: Currency, mut lines: Vec<Line>) -> TrialBalance {
    lines.sort_by_key(|line| line.kind);
    let all = |side: fn(&Line) -> Money| {
        let minor = lines.iter().fold(0, |sum: i64, line| sum.saturating_add(side(line).minor()));
        Money::new(minor, currency)
    };
    let (debits, credits) = (all(|line| line.debits), all(|line| line.credits));
    TrialBalance { currency, debits, credits, lines }
}
