//! An account over a period, movement by movement.

use std::sync::Arc;

use async_graphql::{Context, Object};
use entity::account::AccountId;
use service::ledger::statement::{self, Line, Statement};

use super::{Account, LedgerSide};
use crate::{
    context::Call,
    error::Result,
    schema::{
        connection::{connection, counted, nodes, page},
        money::Money,
        scalar::Date,
        transfer::Transfer,
    },
};

/// An account over some days.
pub struct AccountStatement {
    statement: Arc<Statement>,
    from: Date,
    to: Date,
}

/// An account over some days of the tenant's time zone. What is posted while it is read may be in a part of it only.
#[Object]
impl AccountStatement {
    /// The account.
    async fn account(&self) -> Account {
        Account(self.statement.account.clone())
    }

    /// The first day.
    async fn from(&self) -> Date {
        self.from
    }

    /// The last day.
    async fn to(&self) -> Date {
        self.to
    }

    /// The balance when the first day began.
    async fn opening_balance(&self) -> Money {
        self.statement.opening().into()
    }

    /// The balance when the last day ended, or now if it has not.
    async fn closing_balance(&self) -> Money {
        self.statement.closing().into()
    }

    /// What was posted to its left side within these days.
    async fn debits(&self) -> Money {
        self.statement.debits().into()
    }

    /// What was posted to its right side within these days.
    async fn credits(&self) -> Money {
        self.statement.credits().into()
    }

    /// The movements, the oldest first. Holds are none.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four")]
    async fn transfers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<StatementLineConnection> {
        let args = page(first, after, last, before);
        let found = self.statement.lines(ctx.call()?, &args).await?;
        let statement = Arc::clone(&self.statement);
        let count = counted(move |call| {
            let statement = Arc::clone(&statement);
            async move { statement.count(&call).await }
        });
        Ok(StatementLineConnection { page: nodes(found), count })
    }
}

impl AccountStatement {
    pub async fn of(ctx: &Context<'_>, id: AccountId, from: Date, to: Date) -> Result<Self> {
        let statement = statement::get(ctx.call()?, id, Some(from.0), Some(to.0)).await?;
        Ok(Self { statement: Arc::new(statement), from, to })
    }
}

/// One movement on an account's statement.
pub struct StatementLine(Line);

impl From<Line> for StatementLine {
    fn from(line: Line) -> Self {
        Self(line)
    }
}

/// One movement on an account's statement.
#[Object]
impl StatementLine {
    /// On which side of the account it was booked.
    async fn direction(&self) -> LedgerSide {
        self.0.side.into()
    }

    /// How much; never negative.
    async fn amount(&self) -> Money {
        self.0.transfer.amount().into()
    }

    /// The account on the other side.
    async fn counter_account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
        Ok(ctx.load()?.load_one(self.0.counter).await?.map(Account))
    }

    /// The account's balance after it.
    async fn balance(&self) -> Money {
        self.0.balance.into()
    }

    /// What it is about.
    async fn transfer(&self) -> Transfer {
        Transfer(self.0.transfer.clone())
    }
}

connection!(StatementLineConnection, StatementLineEdge, StatementLine, "movements of a statement");
