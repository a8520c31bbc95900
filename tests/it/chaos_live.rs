//! Two nodes, one of them killed; Redis stopped, its messages lost, repeated and reordered; sockets cut: every client's record is
//! the table's. By `make chaos`.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use entity::{tenant::TenantId, vehicle::State};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use service::event::{Cursor, Event};
use tests::{
    Frame,
    Shape::Production,
    Socket, TestApp, json,
    process::{OwnRedis, Process, command},
    proxy::{self, chance},
    text,
};
use tokio::{sync::broadcast, task::JoinSet};

const CLIENTS: u64 = 200;
/// After the load, nothing comes for so long only when all has come.
const QUIET: Duration = Duration::from_secs(5);

/// What clients watch, in turn.
const DOCUMENTS: [&str; 3] = [
    "subscription($after: Cursor) { fleetEvents(after: $after) { cursor kind } }",
    "subscription($after: Cursor) { stationAvailability(after: $after) { cursor station { name } } }",
    "subscription($after: Cursor) { vehicleChanged(after: $after, filter: {state: AVAILABLE}) { cursor vehicle { number } } }",
];

/// What all clients share.
struct World {
    app: TestApp,
    tenant: TenantId,
    token: Option<String>,
    /// The stream before the load.
    start: Cursor,
    ports: [u16; 2],
    over: AtomicBool,
    /// Whose socket is cut.
    cuts: broadcast::Sender<u64>,
}

#[ignore = "a minute long: make chaos"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_equals_the_table() {
    let seed: u64 =
        std::env::var("BIKELEASE_TEST_CHAOS_SEED").map_or(2014, |seed| seed.parse().unwrap());
    let app = TestApp::start(Production).await;
    let redis = OwnRedis::start().await;
    let through = proxy::start(redis.port, seed).await;
    let mut settings = app.place.settings();
    settings.retain(|(name, _)| *name != "BIKELEASE_REDIS_URL");
    settings.push(("BIKELEASE_REDIS_URL", format!("redis://{through}")));
    settings.push(("BIKELEASE_SOCKETS_PER_USER", String::new()));
    let alone = ["--no-worker"];
    let nodes = [Process::serve(&settings, &alone).await, Process::serve(&settings, &alone).await];
    let world = Arc::new(World::new(app, &nodes).await);
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(client(Arc::clone(&world), number, seed));
    }
    let load = ["replay", "--speed", "100", "--from", "2014-09-03T07:00", "--for", "30s"];
    let mut load = command(&settings, &load).stdout(Stdio::null()).spawn().unwrap();
    let alive = torment(&world, nodes, redis, &settings).await;
    assert!(load.wait().await.unwrap().success());

    let events = world.table().await;
    world.over.store(true, Ordering::SeqCst);
    let mut deliveries = 0;
    while let Some(record) = clients.join_next().await {
        let (number, record) = record.unwrap();
        let concerned = events.iter().filter(|(_, event)| concerns(number, event));
        let expected: Vec<i64> = concerned.map(|(seq, _)| *seq).collect();
        assert!(
            record == expected,
            "client {number} of seed {seed} has {} of {}",
            record.len(),
            expected.len()
        );
        deliveries += record.len();
    }
    assert!(events.len() > 100, "{} events are no load", events.len());
    println!(
        "{CLIENTS} clients by seed {seed}: {deliveries} deliveries of {} events, none missed, none twice",
        events.len()
    );
    drop(alive);
    world.app.assert_sound().await;
}

/// Kills a node and starts another in its place, stops Redis and starts it again, and cuts a socket every tenth of a second.
async fn torment(
    world: &World,
    [first, second]: [Process; 2],
    mut redis: OwnRedis,
    settings: &[(&'static str, String)],
) -> (Vec<Process>, OwnRedis) {
    let began = Instant::now();
    let (mut first, mut down, mut alive) = (Some(first), false, vec![second]);
    for tick in 0_u64.. {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let _ = world.cuts.send(chance(tick) % CLIENTS);
        match began.elapsed().as_secs() {
            6.. if first.is_some() => {
                let port = world.ports[0];
                if let Some(node) = first.take() {
                    node.kill().await;
                }
                alive.push(Process::serve_at(port, settings, &["--no-worker"]).await);
            }
            14..19 if !down => {
                redis.stop().await;
                down = true;
            }
            19..32 if down => {
                redis = OwnRedis::start_at(redis.port).await;
                down = false;
            }
            32.. => break,
            _ => {}
        }
    }
    (alive, redis)
}

impl World {
    async fn new(app: TestApp, nodes: &[Process; 2]) -> Self {
        let anyone = nodes[0].client(None);
        let input = json!({"tenant": "bayarea", "email": "owner@bayarea.example", "password": "demo-owner"});
        let tokens = anyone.mutate("signIn", "accessToken", input).await.ok();
        let token = Some(text(&tokens["accessToken"]));
        let owner = nodes[0].client(token.clone());
        let seen = owner.query("{ stations(first: 1) { fleetCursor } }", json!({})).await;
        let tenant = service::tenant::by_slug(&app.node.app, "bayarea").await.unwrap().id;
        let start = text(&seen["stations"]["fleetCursor"]);
        let start = Cursor::open(&start, &app.node.app.keys, tenant).unwrap();
        Self {
            app,
            tenant,
            token,
            start,
            ports: [nodes[0].port, nodes[1].port],
            over: AtomicBool::new(false),
            cuts: broadcast::channel(1_024).0,
        }
    }

    async fn table(&self) -> Vec<(i64, Event)> {
        let rows = entity::event::Entity::of(self.tenant)
            .filter(entity::event::Column::Seq.gt(self.start.seq))
            .order_by_asc(entity::event::Column::Seq)
            .all(self.app.node.app.db.reader())
            .await
            .unwrap();
        rows.iter().map(|row| (row.seq, serde_json::from_str(&row.payload).unwrap())).collect()
    }

    fn number(&self, cursor: &str) -> i64 {
        Cursor::open(cursor, &self.app.node.app.keys, self.tenant).unwrap().seq
    }
}

/// Whether a client hears of an event, by what it watches.
fn concerns(client: u64, event: &Event) -> bool {
    match (client % 3, event) {
        (0, _) | (1, Event::StationChanged { .. }) => true,
        (2, Event::VehicleChanged { before, after, .. }) => {
            let available = |vehicle: &entity::vehicle::Model| vehicle.state == State::Available;
            before.as_deref().is_some_and(available) || available(after)
        }
        _ => false,
    }
}

/// Follows the stream over every loss, and gives the numbers that it heard of.
async fn client(world: Arc<World>, client: u64, seed: u64) -> (u64, Vec<i64>) {
    let mut cursor = world.start.seal(&world.app.node.app.keys, world.tenant);
    let (mut record, mut cuts) = (Vec::new(), world.cuts.subscribe());
    for attempt in 0_u64.. {
        let port =
            world.ports[usize::from(chance(seed ^ client << 20 ^ attempt).is_multiple_of(2))];
        let greeting = json!({"token": world.token});
        let Some(mut socket) = Socket::try_connect(([127, 0, 0, 1], port).into(), greeting).await
        else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        let payload =
            json!({"query": DOCUMENTS[(client % 3) as usize], "variables": {"after": cursor}});
        let mut open =
            socket.try_send(json!({"id": "1", "type": "subscribe", "payload": payload})).await;
        while open {
            let frame = tokio::select! {
                frame = socket.frame_within(QUIET) => frame,
                cut = cuts.recv() => match cut {
                    Ok(number) if number == client => break,
                    _ => continue,
                },
            };
            match frame {
                Some(Frame::Message(message)) if message["type"] == "next" => {
                    let fields = message["payload"]["data"].as_object().unwrap();
                    cursor = text(&fields.values().next().unwrap()["cursor"]);
                    record.push(world.number(&cursor));
                }
                Some(Frame::Message(message)) => {
                    let code = &message["payload"][0]["extensions"]["code"];
                    assert_eq!(code, "SERVICE_UNAVAILABLE", "client {client}: {message}");
                    break;
                }
                Some(Frame::Closed(_)) => open = false,
                None if world.over.load(Ordering::SeqCst) => return (client, record),
                None => {}
            }
        }
    }
    (client, record)
}
