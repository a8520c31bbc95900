//! Transfers per second: customers of one tenant who pay from their wallets, each payment one transfer of its own write.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use entity::{
    Id,
    customer::CustomerId,
    money::{Currency, Money},
    payment::Provider,
    transfer::Kind,
};
use sea_orm::{ConnectionTrait, Statement, Value};
use service::{
    ctx::Ctx,
    customer::CreateCustomer,
    ledger::{self, Entry, Purse},
    tenant::CreateTenant,
};
use tests::bench::{Better, Case, Round, Spec};
use tokio::task::JoinSet;

use crate::{
    place::Place,
    rentals::{SEATS, pgbench},
};

pub const SPECS: &[Spec] = &[Spec {
    name: "ledger/transfers",
    unit: "transfers/s",
    better: Better::Higher,
    sides: &["bikelease", "pgbench, the same SQL"],
    start: |_| Box::pin(async { Transfers::boxed().await }),
}];

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ledger/script.pgbench.sql");
/// Nobody comes to the end of it.
const FILLED: i64 = 1_000_000_000_000;

/// One database with two tenants: the product books in the first, plain SQL in the second.
struct Transfers {
    place: Place,
    product: Vec<Customer>,
}

#[derive(Clone)]
struct Customer {
    ctx: Ctx,
    id: CustomerId,
}

impl Transfers {
    async fn boxed() -> Result<Box<dyn Case>> {
        let place = Place::postgres(SEATS).await?;
        let product = customers(&place, "product").await?;
        describe(&place, &customers(&place, "plain").await?).await?;
        Ok(Box::new(Self { place, product }))
    }
}

#[async_trait]
impl Case for Transfers {
    async fn round(&mut self, round: Round) -> Result<f64> {
        let time = Duration::from_secs(round.seconds.into());
        self.place.tidy().await?;
        match round.side {
            0 => per_second(&self.product, time).await,
            _ => pgbench::per_second(&self.place, SCRIPT, round.number, time).await,
        }
    }

    async fn end(self: Box<Self>) -> Result<()> {
        self.place.check().await?;
        self.place.remove().await
    }
}

/// Each with a full wallet.
async fn customers(place: &Place, slug: &str) -> Result<Vec<Customer>> {
    let tenant = CreateTenant {
        slug: slug.to_owned(),
        name: slug.to_owned(),
        time_zone: "Europe/Copenhagen".to_owned(),
        currency: euros()?,
        publishes_board: false,
    };
    let tenant = service::tenant::create(&place.app, tenant).await?.id;
    let ctx = place.app.system(tenant, "bench");
    let mut customers = Vec::new();
    for _ in 0..SEATS {
        let name = "Ann".to_owned();
        let input = CreateCustomer { name, email: None, phone: None, rental_limit: None };
        let id = service::customer::create(&ctx, input).await?.id;
        let customer = Customer { ctx: ctx.clone(), id };
        let (cash, wallet) = (Purse::clearing(Provider::Cash), Purse::wallet(id));
        customer.book(cash, wallet, FILLED, "filled".to_owned()).await?;
        customer.pay().await?;
        customers.push(customer);
    }
    Ok(customers)
}

impl Customer {
    async fn pay(&self) -> Result<()> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let act = format!("pays {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.book(Purse::wallet(self.id), Purse::receivable(self.id), 1, act).await
    }

    async fn book(&self, debit: Purse, credit: Purse, minor: i64, act: String) -> Result<()> {
        let entry = &[Entry {
            debit,
            credit,
            amount: Money::new(minor, euros()?),
            kind: Kind::WalletPayment,
            reference: ledger::reference(self.id, act),
            rental: None,
            payment: None,
        }];
        Ok(self.ctx.write(|tx| async move { ledger::post(&tx, entry).await }).await?)
    }
}

fn euros() -> Result<Currency> {
    Ok("EUR".parse()?)
}

async fn per_second(customers: &[Customer], time: Duration) -> Result<f64> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for customer in customers {
        let customer = customer.clone();
        tasks.spawn(async move {
            let mut transfers = 0_u32;
            while began.elapsed() < time {
                customer.pay().await?;
                transfers += 1;
            }
            anyhow::Ok(transfers)
        });
    }
    let mut transfers = 0;
    while let Some(done) = tasks.join_next().await {
        transfers += done??;
    }
    Ok(f64::from(transfers) / began.elapsed().as_secs_f64())
}

/// Writes down for script.pgbench.sql who pays from which account.
async fn describe(place: &Place, customers: &[Customer]) -> Result<()> {
    let db = place.app.db.writer();
    let table = "CREATE TABLE bench_payer (seat INTEGER PRIMARY KEY, tenant UUID, customer UUID, holder TEXT, wallet UUID, owed UUID)";
    db.execute_unprepared(table).await?;
    for (number, customer) in (0_i32..).zip(customers) {
        let tenant = customer.ctx.tenant;
        let mut values: Vec<Value> = vec![
            number.into(),
            tenant.uuid().into(),
            customer.id.uuid().into(),
            customer.id.to_string().into(),
        ];
        for purse in [Purse::wallet(customer.id), Purse::receivable(customer.id)] {
            let account = ledger::find(place.app.db.reader(), tenant, purse, euros()?).await?;
            values.push(account.context("an account")?.id.uuid().into());
        }
        let sql = "INSERT INTO bench_payer VALUES ($1, $2, $3, $4, $5, $6)";
        db.execute_raw(Statement::from_sql_and_values(place.app.db.backend(), sql, values)).await?;
    }
    Ok(())
}
