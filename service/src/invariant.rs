//! What must always hold, recomputed from the tables: run after every race, and whenever an operator likes.

mod references;
mod rules;

use entity::{station, tenant, vehicle};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, QueryFilter, Statement,
};

use crate::{
    ctx::App,
    error::{Error, Result},
};

/// One invariant, and how often it is broken.
#[derive(Clone, Debug)]
pub struct Finding {
    pub name: &'static str,
    /// What should hold.
    pub what: &'static str,
    pub count: u64,
}

/// Every invariant with its count, also where that is 0. Only reads, and all of one moment: others may write meanwhile.
pub async fn check(app: &App) -> Result<Vec<Finding>> {
    if !app.db.reads_every_tenant().await? {
        return Err(Error::internal("the role of database_read_url does not see every tenant"));
    }
    let db = &app.db.snapshot().await?;
    let mut findings = Vec::new();
    for (name, what, sql) in rules::RULES {
        findings.push(Finding { name, what, count: count(db, sql).await? });
    }
    let mut strangers = 0;
    for reference in references::all(db).await? {
        strangers += u64::from(!reference.carries_tenant());
        strangers += count(db, &reference.dangling()).await?;
    }
    let what = "every reference leads to a row of the same tenant";
    findings.push(Finding { name: "tenant_references", what, count: strangers });
    let unsecured = match db.get_database_backend() {
        DbBackend::Postgres => count(db, rules::UNSECURED).await?,
        _ => 0,
    };
    let what = "the database holds every tenant's table to its tenant";
    findings.push(Finding { name: "row_security", what, count: unsecured });
    let what = "vehicles available by type are those that stand there";
    findings.push(Finding { name: "station_types", what, count: types(db).await? });
    Ok(findings)
}

async fn count(db: &DatabaseTransaction, sql: &str) -> Result<u64> {
    let row =
        db.query_one_raw(Statement::from_string(db.get_database_backend(), sql.to_owned())).await?;
    let count: i64 =
        row.ok_or_else(|| Error::internal("a count has a row"))?.try_get_by_index(0)?;
    Ok(count.unsigned_abs())
}

/// Counters by type are JSON, which the two databases read differently: they are recomputed here.
async fn types(db: &DatabaseTransaction) -> Result<u64> {
    let mut broken = 0;
    for tenant in tenant::Entity::all().all(db).await? {
        let available = vehicle::Entity::of(tenant.id)
            .filter(vehicle::Column::State.eq(vehicle::State::Available))
            .filter(vehicle::Column::ArchivedAt.is_null())
            .filter(vehicle::Column::StationId.is_not_null())
            .all(db)
            .await?;
        let mut counted = std::collections::HashMap::new();
        for vehicle in available {
            let types: &mut station::TypeCounts = counted.entry(vehicle.station_id).or_default();
            *types.0.entry(vehicle.vehicle_type_id).or_insert(0) += 1;
        }
        for station in station::Entity::of(tenant.id).all(db).await? {
            let found = counted.remove(&Some(station.id)).unwrap_or_default();
            broken += u64::from(found != station.available_by_type);
        }
    }
    Ok(broken)
}
