//! Rows per second of an import, beside the same rows written by nothing but the database.

mod copy;
mod prepared;

use std::time::Instant;

use anyhow::{Result, ensure};
use async_trait::async_trait;
use entity::{Id, tenant::TenantId};
use sea_orm::{ConnectionTrait, Statement};
use service::import::{self, Import};
use tests::bench::{Better, Case, Round, Spec};

use crate::place::Place;
use copy::Copied;
use prepared::Prepared;

const POOL: u32 = 16;
const UNIT: &str = "rows/s";

pub const SPECS: &[Spec] = &[
    Spec {
        name: "import/sqlite",
        unit: UNIT,
        better: Better::Higher,
        sides: &[
            "bikelease import bayarea, a month",
            "prepared INSERTs of one row",
            "prepared INSERTs of a hundred rows",
        ],
        start: |_| Box::pin(async { Month::boxed(Place::sqlite(POOL).await?).await }),
    },
    Spec {
        name: "import/postgres",
        unit: UNIT,
        better: Better::Higher,
        sides: &["bikelease import bayarea, a month", "COPY of the same rows"],
        start: |_| Box::pin(async { Month::boxed(Place::postgres(POOL).await?).await }),
    },
];

/// The tables that rides fill, in the order in which they refer to each other.
const TABLES: [&str; 3] = ["rental", "price_line", "vehicle_event"];

/// The built-in month twice: one tenant's rides come by the import, the other's as rows that an import made before.
struct Month {
    place: Place,
    product: TenantId,
    plain: TenantId,
    rows: Rows,
}

enum Rows {
    Copied(Copied),
    Prepared(Prepared),
}

impl Month {
    async fn boxed(place: Place) -> Result<Box<dyn Case>> {
        let mut tenants = Vec::new();
        for slug in ["product", "plain"] {
            bring(&place, slug).await?;
            tenants.push(service::tenant::by_slug(&place.app, slug).await?.id);
        }
        let (product, plain) = (tenants[0], tenants[1]);
        let rows = if place.is_sqlite() {
            Rows::Prepared(Prepared::read(&place.url, plain).await?)
        } else {
            Rows::Copied(Copied::read(&place.url, plain).await?)
        };
        Ok(Box::new(Self { place, product, plain, rows }))
    }

    /// The tenant keeps its fleet and loses its rides, and with them what the import wrote of its vehicles.
    async fn empty(&self, tenant: TenantId) -> Result<()> {
        let db = self.place.app.db.writer();
        for table in TABLES.iter().rev() {
            let sql = format!("DELETE FROM {table} WHERE tenant_id = $1");
            let values = [tenant.uuid().into()];
            db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values))
                .await?;
        }
        self.place.tidy().await
    }
}

/// Gives how many rows came.
async fn bring(place: &Place, slug: &str) -> Result<u64> {
    let import = Import {
        tenant: slug.to_owned(),
        stations: service::bayarea::STATIONS,
        trips: service::bayarea::TRIPS,
        strict: true,
    };
    let report = import::bayarea(&place.app, import, &|_| ()).await?;
    ensure!(report.added.rentals > 0, "the month was there already");
    Ok(report.added.rows())
}

#[async_trait]
impl Case for Month {
    async fn round(&mut self, round: Round) -> Result<f64> {
        let tenant = if round.side == 0 { self.product } else { self.plain };
        self.empty(tenant).await?;
        let began = Instant::now();
        let rows = match (round.side, &self.rows) {
            (0, _) => bring(&self.place, "product").await?,
            (_, Rows::Copied(copied)) => copied.write(&self.place.url).await?,
            (side, Rows::Prepared(prepared)) => {
                let at_once = if side == 1 { 1 } else { 100 };
                prepared.write(&self.place.url, at_once).await?
            }
        };
        Ok(rows as f64 / began.elapsed().as_secs_f64())
    }

    async fn end(self: Box<Self>) -> Result<()> {
        self.place.check().await?;
        self.place.remove().await
    }
}
