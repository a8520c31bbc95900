//! Seats: a customer with a vehicle and two stations of its own, so that riders meet only where their tenant's events are numbered.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, Result};
use entity::{
    Id, Position,
    customer::CustomerId,
    station::StationId,
    tariff::LineKind,
    tenant::TenantId,
    user::Role,
    vehicle::VehicleId,
    vehicle_type::{FormFactor, PropulsionType, VehicleTypeId},
};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use serde_json::json;
use service::{
    ctx::{Actor, App, Ctx},
    customer::CreateCustomer,
    ledger::{self, Purse},
    station::CreateStation,
    tariff::CreateTariff,
    tenant::CreateTenant,
    vehicle::{CreateVehicle, Destination},
    vehicle_type::CreateVehicleType,
};

use super::{SEATS, product};

pub struct Fleet {
    pub seats: Vec<Seat>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Seat {
    /// Calls as the customer.
    pub ctx: Ctx,
    pub customer: CustomerId,
    pub vehicle: VehicleId,
    pub stations: [StationId; 2],
    rides: Arc<AtomicUsize>,
}

impl Seat {
    /// A number for the next ride, from 0.
    pub fn next(&self) -> usize {
        self.rides.fetch_add(1, Ordering::Relaxed)
    }
}

/// As many seats, in one tenant or in several.
pub async fn create(app: &App, slug: &str, tenants: u32) -> Result<Fleet> {
    let mut seats = Vec::new();
    for number in 0..tenants {
        let tenant = tenant(&format!("{slug}-{number}"))?;
        let ctx = app.system(service::tenant::create(app, tenant).await?.id, "bench");
        service::tariff::create(&ctx, tariff()?).await?;
        let vehicle_type = service::vehicle_type::create(&ctx, vehicle_type()).await?.id;
        for number in 0..SEATS / tenants {
            seats.push(seat(&ctx, vehicle_type, number).await?);
        }
    }
    Ok(Fleet { seats })
}

fn tenant(slug: &str) -> Result<CreateTenant> {
    Ok(CreateTenant {
        slug: slug.to_owned(),
        name: slug.to_owned(),
        time_zone: "Europe/Copenhagen".to_owned(),
        currency: "EUR".parse()?,
        publishes_board: true,
    })
}

/// The price of the first minute, in the lines that script.pgbench.sql writes: 1.00 to unlock, 0.10, 25 % tax.
fn tariff() -> Result<CreateTariff> {
    let terms = json!({
        "currency": "EUR", "unlock_minor": 100, "per_kilometre": [], "included_minutes": 0,
        "per_minute": [{"start": 0, "end": null, "rate": "0.10", "interval": 1}],
        "daily_cap_minor": null, "tax_rate": "0.25", "overdue_after_minutes": 120,
        "penalty": {"basis": "flat", "amount_minor": 500, "max_minor": null},
        "collateral_minor": 0, "lost_vehicle_fee_minor": 90_000,
    });
    Ok(CreateTariff {
        name: "Standard".to_owned(),
        description: String::new(),
        terms: serde_json::from_value(terms)?,
        is_default: true,
    })
}

fn vehicle_type() -> CreateVehicleType {
    CreateVehicleType {
        name: "City bike".to_owned(),
        make: None,
        model: None,
        form_factor: FormFactor::Bicycle,
        propulsion_type: PropulsionType::Human,
        max_range_meters: None,
        default_reserve_minutes: 15,
        default_tariff: None,
    }
}

async fn seat(ctx: &Ctx, vehicle_type: VehicleTypeId, number: u32) -> Result<Seat> {
    let stations = [station(ctx, number * 2).await?, station(ctx, number * 2 + 1).await?];
    let at = Some(Destination::Station(stations[0]));
    let number = format!("V{number}");
    let input =
        CreateVehicle { number, vehicle_type, at, battery_percent: None, odometer_meters: 0 };
    let vehicle = service::vehicle::create(ctx, input).await?.id;
    let name = "Ann".to_owned();
    let input = CreateCustomer { name, email: None, phone: None, rental_limit: None };
    let customer = service::customer::create(ctx, input).await?.id;
    let actor = Actor::Customer { user: ctx.app.new_id(), customer, role: Role::Customer };
    let mut ctx = ctx.clone();
    ctx.actor = actor;
    Ok(Seat { ctx, customer, vehicle, stations, rides: Arc::default() })
}

async fn station(ctx: &Ctx, number: u32) -> Result<StationId> {
    let input = CreateStation {
        name: format!("Station {number}"),
        short_code: format!("S{number}"),
        position: Position::new(55.0 + f64::from(number) / 1e4, 12.0)?,
        address: None,
        region: None,
        capacity: 5,
        is_virtual: false,
        is_charging: false,
    };
    Ok(service::station::create(ctx, input).await?.id)
}

/// Writes down for script.pgbench.sql who sits where, with the texts of a ride of the seat's own.
pub async fn describe(app: &App, fleet: &Fleet) -> Result<()> {
    let db = app.db.writer();
    db.execute_unprepared(&table(app.db.backend())).await?;
    for (number, seat) in (0..).zip(&fleet.seats) {
        let rental = product::ride(seat).await?;
        let mut values: Vec<Value> = vec![
            i32::into(number),
            seat.ctx.tenant.uuid().into(),
            seat.customer.uuid().into(),
            seat.vehicle.uuid().into(),
            // It stands at the second one now.
            seat.stations[1].uuid().into(),
            seat.stations[0].uuid().into(),
            seat.ctx.actor.to_string().into(),
            rental.distance_meters.into(),
            rental.price_minor.into(),
        ];
        values.extend(counts(app, seat).await?);
        values.extend(texts(app, seat.ctx.tenant).await?);
        values.push(seat.customer.to_string().into());
        values.extend(accounts(app, seat).await?);
        let places: Vec<String> = (1..=values.len()).map(|n| format!("${n}")).collect();
        let sql = format!("INSERT INTO bench_seat VALUES ({})", places.join(", "));
        db.execute_raw(Statement::from_sql_and_values(app.db.backend(), sql, values)).await?;
    }
    Ok(())
}

fn table(backend: DbBackend) -> String {
    let columns = "seat INTEGER PRIMARY KEY, tenant UUID, customer UUID, vehicle UUID, station_a UUID,
        station_b UUID, actor TEXT, distance BIGINT, price BIGINT, counts_with JSONB, counts_without JSONB,
        start_event_1 TEXT, start_event_2 TEXT, start_event_3 TEXT, end_event_1 TEXT, end_event_2 TEXT,
        end_event_3 TEXT, start_answer TEXT, end_answer TEXT, hash BYTEA, holder TEXT, owed UUID, unlock UUID, minutes UUID, tax UUID";
    let columns = match backend {
        DbBackend::Sqlite => columns.replace("UUID", "BLOB").replace("JSONB", "TEXT"),
        _ => columns.to_owned(),
    };
    format!("CREATE TABLE bench_seat ({columns})")
}

/// What the two stations count by type, with the vehicle and without.
async fn counts(app: &App, seat: &Seat) -> Result<[Value; 2]> {
    let ctx = app.system(seat.ctx.tenant, "bench");
    let with = service::station::get(&ctx, seat.stations[1]).await?.available_by_type;
    let without = service::station::get(&ctx, seat.stations[0]).await?.available_by_type;
    Ok([serde_json::to_value(with)?.into(), serde_json::to_value(without)?.into()])
}

/// The events, answers and input hash of the newest ride.
async fn texts(app: &App, tenant: TenantId) -> Result<Vec<Value>> {
    let rows = async |sql: &str| {
        let values = [tenant.uuid().into()];
        let statement = Statement::from_sql_and_values(app.db.backend(), sql, values);
        app.db.reader().query_all_raw(statement).await
    };
    let mut texts = Vec::new();
    let sql = "SELECT payload FROM event WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 6";
    for row in rows(sql).await?.iter().rev() {
        texts.push(row.try_get::<String>("", "payload")?.into());
    }
    let sql = "SELECT answer, input_sha256 FROM idempotency WHERE tenant_id = $1 ORDER BY id DESC LIMIT 2";
    let answers = rows(sql).await?;
    for row in answers.iter().rev() {
        texts.push(row.try_get::<String>("", "answer")?.into());
    }
    let newest = answers.first().context("a ride has answers")?;
    texts.push(newest.try_get::<Vec<u8>>("", "input_sha256")?.into());
    Ok(texts)
}

/// Where the ride was charged.
async fn accounts(app: &App, seat: &Seat) -> Result<Vec<Value>> {
    let (db, euros) = (app.db.reader(), "EUR".parse()?);
    let lines = [LineKind::Unlock, LineKind::Minutes, LineKind::Tax].map(Purse::of_line);
    let mut ids = Vec::new();
    for purse in [Purse::receivable(seat.customer)].into_iter().chain(lines) {
        let account = ledger::find(db, seat.ctx.tenant, purse, euros).await?;
        ids.push(account.context("a ride is charged")?.id.uuid().into());
    }
    Ok(ids)
}
