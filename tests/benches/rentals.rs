//! Rentals per second, start and end, on SQLite and on PostgreSQL, beside pgbench sending the same SQL to the same server.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use service::{
    ctx::Ctx,
    rental::{end, start},
    vehicle::Destination,
};
use tests::{Fleet, Shape, TestApp, json, key, text};

const TASKS: usize = 16;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(5);

/// One rider's own vehicle and station, so that no two wait for each other but at the tenant's event numbers.
#[derive(Clone)]
struct Seat {
    vehicle: String,
    station: String,
    customer: String,
}

struct Bench {
    name: &'static str,
    app: TestApp,
    fleet: Fleet,
    seats: Vec<Seat>,
}

#[tokio::main]
async fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let sqlite = bench("SQLite", Shape::Embedded).await;
    let postgres = bench("PostgreSQL", Shape::Production).await;
    let script = prepare_pgbench(&postgres).await;
    for each in [&sqlite, &postgres] {
        rentals_per_second(each).await;
    }
    pgbench(&postgres, &script);
    let (mut on_sqlite, mut on_postgres, mut by_pgbench) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        on_sqlite.push(rentals_per_second(&sqlite).await);
        on_postgres.push(rentals_per_second(&postgres).await);
        by_pgbench.push(pgbench(&postgres, &script));
    }
    sqlite.app.assert_sound().await;
    print_machine(&postgres).await;
    let limit = median(&by_pgbench);
    println!(
        "{:<28}{:>10}{:>10}{:>10}{:>12}",
        "rentals per second", "median", "min", "max", "of pgbench"
    );
    for (name, figures) in [
        ("bikelease on SQLite", &on_sqlite),
        ("bikelease on PostgreSQL", &on_postgres),
        ("pgbench, the same SQL", &by_pgbench),
    ] {
        let (min, max) = (
            figures.iter().copied().fold(f64::MAX, f64::min),
            figures.iter().copied().fold(0.0, f64::max),
        );
        println!(
            "{name:<28}{:>10.0}{min:>10.0}{max:>10.0}{:>12.2}",
            median(figures),
            median(figures) / limit
        );
    }
    println!(
        "{}",
        json!({"case": "rentals", "tasks": TASKS, "sqlite": on_sqlite, "postgres": on_postgres, "pgbench": by_pgbench})
    );
}

async fn bench(name: &'static str, shape: Shape) -> Bench {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let seats = seats(&fleet).await;
    Bench { name, app, fleet, seats }
}

async fn seats(fleet: &Fleet) -> Vec<Seat> {
    let mut seats = Vec::new();
    for _ in 0..TASKS {
        let station = fleet.station(5).await;
        let vehicle = fleet.vehicle_at(&station).await;
        let made =
            fleet.mutate("createCustomer", "customer { id }", json!({"name": "Ann"})).await.ok();
        seats.push(Seat { vehicle, station, customer: text(&made["customer"]["id"]) });
    }
    seats
}

/// The use cases themselves, by as many tasks as pgbench has clients.
async fn rentals_per_second(bench: &Bench) -> f64 {
    let began = Instant::now();
    let tasks = bench.seats.iter().cloned().map(|seat| {
        let (ctx, clock) = (bench.fleet.system(), bench.app.clock.clone());
        tokio::spawn(async move {
            let mut rentals = 0_u32;
            while began.elapsed() < ROUND {
                ride(&ctx, &seat, || clock.advance(chrono::Duration::microseconds(1))).await;
                rentals += 1;
            }
            rentals
        })
    });
    let mut rentals = 0;
    for task in tasks.collect::<Vec<_>>() {
        rentals += task.await.unwrap();
    }
    let per_second = f64::from(rentals) / began.elapsed().as_secs_f64();
    eprintln!("{}: {per_second:.0} rentals per second", bench.name);
    per_second
}

async fn ride(ctx: &Ctx, seat: &Seat, a_moment: impl Fn()) {
    let input = start::StartRental {
        vehicle: seat.vehicle.parse().unwrap(),
        customer: Some(seat.customer.parse().unwrap()),
        tariff: None,
    };
    let rental = start::start(ctx, input, &key()).await.unwrap();
    a_moment();
    let at = Destination::Station(seat.station.parse().unwrap());
    let input = end::EndRental { rental: rental.id, at, distance_meters: Some(0) };
    end::end(ctx, input, &key()).await.unwrap();
}

/// Seats of its own for pgbench, by client number.
async fn prepare_pgbench(bench: &Bench) -> std::path::PathBuf {
    let create = "CREATE TABLE bench (n int PRIMARY KEY, tenant uuid, vehicle uuid, customer uuid, station uuid,
        tariff uuid, type uuid, number text, code text)";
    bench.app.sql(create).await.unwrap();
    let hex = |id: &str| id.rsplit_once('_').unwrap().1.to_owned();
    let fleet = &bench.fleet;
    for (n, seat) in seats(fleet).await.iter().enumerate() {
        let (vehicle, station) = (hex(&seat.vehicle), hex(&seat.station));
        let statement = format!(
            "INSERT INTO bench SELECT {n}, '{tenant}', '{vehicle}', '{customer}', '{station}', '{tariff}', '{kind}',
             (SELECT number FROM vehicle WHERE id = '{vehicle}'), (SELECT short_code FROM station WHERE id = '{station}')",
            tenant = hex(&fleet.tenant.id.to_string()),
            customer = hex(&seat.customer),
            tariff = hex(&fleet.tariff),
            kind = hex(&fleet.vehicle_type),
        );
        bench.app.sql(&statement).await.unwrap();
    }
    bench.app.sql("ANALYZE").await.unwrap();
    let path = bench.app.place.folder.join("rentals.sql");
    std::fs::write(&path, include_str!("rentals.pgbench.sql")).unwrap();
    path
}

fn pgbench(bench: &Bench, script: &std::path::Path) -> f64 {
    let folder = std::env::var("BIKELEASE_TEST_PG_BIN").expect("run by `make bench`");
    let clients = TASKS.to_string();
    let output = Command::new(format!("{folder}/pgbench"))
        .args([
            "-n",
            "-M",
            "prepared",
            "-c",
            &clients,
            "-j",
            "2",
            "-T",
            &ROUND.as_secs().to_string(),
            "-f",
        ])
        .arg(script)
        .arg(&bench.app.place.database_url)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    let tps = said
        .lines()
        .find_map(|line| line.strip_prefix("tps = "))
        .unwrap_or_else(|| panic!("{said}{failed}"));
    assert!(output.status.success(), "{said}{failed}");
    let per_second = tps.split(' ').next().unwrap().parse().unwrap();
    eprintln!("pgbench: {per_second:.0} rentals per second");
    per_second
}

async fn print_machine(bench: &Bench) {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("?")
        .trim_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let durable = bench
        .app
        .count("SELECT count(*) FROM pg_settings WHERE name = 'fsync' AND setting = 'on'")
        .await
        == 1;
    println!(
        "{cores} cores, {model}; {TASKS} at once, {ROUNDS} rounds of {ROUND:?} in turn; PostgreSQL with fsync {}",
        if durable { "on" } else { "off" }
    );
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
