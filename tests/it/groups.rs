//! Subscriptions that share one execution: who shares, what nobody sees by it, and that no number is lost by it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use rstest::rstest;
use service::event::{Cursor, Event};
use tests::{
    Fleet,
    Shape::{self, Embedded, Production},
    Socket, TestApp, Value, json, text,
};

const NUMBERS: &str = "subscription($after: Cursor) { fleetEvents(after: $after) { cursor } }";
const SAME: &str = "# The same, differently.
    subscription( $after :Cursor ){ fleetEvents(after:$after){ cursor, } }";
const VEHICLES: &str = "subscription($filter: VehicleFilter) { vehicleChanged(filter: $filter) {
    change vehicle { id state reservedBy { id } vehicleType { name } station { name } } } }";
const BOARD: &str = "subscription { stationAvailability { station { id vehiclesAvailable } } }";

#[rstest]
#[tokio::test]
async fn equal_subscriptions_are_executed_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    let mut sockets = Vec::new();
    let mut statements = Vec::new();
    for round in 0..8 {
        let document = match round % 2 {
            0 => VEHICLES.to_owned(),
            _ => format!("# {round}\n{}", VEHICLES.replace(' ', "\t ")),
        };
        let mut socket = app.socket(fleet.token()).await;
        socket.subscribe("1", &document, json!({"filter": {"states": []}, "unused": round})).await;
        sockets.push(socket);
        until(async || app.node.app.feed.listeners(fleet.tenant.id) == 1).await;

        let before = app.node.app.db.statements();
        let charged = json!({"vehicleId": vehicle, "batteryPercent": 10 + round});
        fleet.mutate("updateVehicle", "vehicle { id }", charged).await.ok();
        let seen = join_all(sockets.iter_mut().map(Socket::data)).await;
        assert!(seen.iter().all(|data| data["vehicle"]["vehicleType"]["name"] == "City bike"));
        statements.push(app.node.app.db.statements() - before);
    }
    // The stream's own check reads the head once a second.
    assert!(statements[7] <= statements[0] + 2, "{statements:?}");
    sockets.clear();
    until(async || app.node.app.feed.listeners(fleet.tenant.id) == 0).await;
}

#[rstest]
#[tokio::test]
async fn what_could_differ_is_not_shared(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let (fleet, other) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let (staff, second) = (fleet.staff(&app).await, fleet.staff(&app).await);
    let vehicle = fleet.vehicle().await;
    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    let followed = format!("subscription {{ rentalChanged(rentalId: \"{rental}\") {{ cursor }} }}");
    let mut open = Vec::new();
    let cases = [
        ("the owner", fleet.token(), VEHICLES, json!({}), 1),
        ("again", fleet.token(), VEHICLES, json!({}), 0),
        ("other variables", fleet.token(), VEHICLES, json!({"filter": {"batteryBelow": 5}}), 1),
        ("another role", staff.token(), VEHICLES, json!({}), 1),
        ("the same role", second.token(), VEHICLES, json!({}), 0),
        ("a customer", ann.token(), VEHICLES, json!({}), 1),
        ("another customer", ben.token(), VEHICLES, json!({}), 1),
        ("the board", ann.token(), BOARD, json!({}), 1),
        ("the board of another role", fleet.token(), BOARD, json!({}), 0),
        ("a rental", staff.token(), &followed, json!({}), 1),
        ("the same rental", second.token(), &followed, json!({}), 1),
    ];
    let mut listeners = 0;
    for (name, token, document, variables, more) in cases {
        let mut socket = app.socket(token).await;
        socket.subscribe("1", document, variables).await;
        listeners += more;
        assert_eq!(app.node.app.feed.listeners(fleet.tenant.id), listeners, "{name}");
        open.push(socket);
    }
    let mut anonymous = app.socket_with(json!({"tenant": fleet.slug})).await;
    anonymous.subscribe("1", BOARD, json!({})).await;
    assert_eq!(app.node.app.feed.listeners(fleet.tenant.id), listeners, "the board of nobody");
    let mut elsewhere = app.socket(other.token()).await;
    elsewhere.subscribe("1", VEHICLES, json!({})).await;
    assert_eq!(app.node.app.feed.listeners(other.tenant.id), 1);

    fleet.vehicle().await;
    assert_eq!(anonymous.data().await["station"]["vehiclesAvailable"], 0);
    assert!(elsewhere.silent().await, "another tenant's events are nobody's business");
}

#[rstest]
#[tokio::test]
async fn everybody_sees_what_they_may_and_no_more(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (vehicle, away) = (fleet.vehicle().await, fleet.vehicle().await);
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let board = "subscription { stationAvailability { station { id vehicles { totalCount } } } }";
    let mut sockets = Vec::new();
    for token in [fleet.token(), fleet.staff(&app).await.token(), ann.token(), ben.token()] {
        let mut socket = app.socket(token).await;
        socket.subscribe("vehicles", VEHICLES, json!({})).await;
        sockets.push(socket);
    }
    let mut anonymous = app.socket_with(json!({"tenant": fleet.slug})).await;
    anonymous.subscribe("board", board, json!({})).await;

    ben.reserve(&vehicle).await.ok();
    let seen = join_all(sockets.iter_mut().map(Socket::data)).await;
    let changes: Vec<_> = seen.iter().map(|data| text(&data["change"])).collect();
    assert_eq!(changes, ["UPDATED", "UPDATED", "LEFT", "UPDATED"]);
    for staff in &seen[..2] {
        assert_eq!(staff["vehicle"]["reservedBy"]["id"], json!(ben.customer));
    }
    assert_eq!(seen[3]["vehicle"]["reservedBy"]["id"], json!(ben.customer));

    let hidden = anonymous.message().await;
    let error = &hidden["payload"]["errors"][0]["extensions"];
    assert_eq!(error["code"], "UNAUTHENTICATED", "{hidden:#}");
    assert!(error["requestId"].is_string());

    let broken = json!({"vehicleId": away, "reason": "flat tyre"});
    fleet.mutate("takeOutOfService", "vehicle { id }", broken).await.ok();
    let charged = json!({"vehicleId": away, "batteryPercent": 5});
    fleet.mutate("updateVehicle", "vehicle { id }", charged).await.ok();
    let (staff, customers) = sockets.split_at_mut(2);
    for customer in customers {
        assert_eq!(customer.data().await["change"], "LEFT");
        assert!(customer.silent().await, "what is out of service is for staff");
    }
    for staff in staff {
        assert_eq!(staff.data().await["vehicle"]["state"], "NON_OPERATIONAL");
        assert_eq!(staff.data().await["vehicle"]["state"], "NON_OPERATIONAL");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_comes_late_gets_what_it_missed_and_goes_on(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut early = app.socket(fleet.token()).await;
    early.subscribe("1", NUMBERS, json!({})).await;
    let first = record(&fleet, 30).await;
    let start = early.data().await["cursor"].clone();
    assert_eq!(number(&app, &fleet, &start), first);

    let writer = async {
        for _ in 0..40 {
            record(&fleet, 5).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let last = first + 30 + 40 * 5 - 1;
    let readers = (0..20).map(|reader| {
        let (app, fleet, start) = (&app, &fleet, &start);
        async move {
            tokio::time::sleep(Duration::from_millis(20 * reader)).await;
            let mut socket = app.socket(fleet.token()).await;
            let document = if reader.is_multiple_of(2) { NUMBERS } else { SAME };
            start_numbers(&mut socket, document, start).await;
            let mut seen = Vec::new();
            while seen.last() != Some(&last) {
                seen.push(number(app, fleet, &socket.data().await["cursor"]));
            }
            seen
        }
    });
    let (records, ()) = tokio::join!(join_all(readers), writer);
    for seen in records {
        assert_eq!(seen, (first + 1..=last).collect::<Vec<_>>());
    }
    assert_eq!(app.node.app.feed.listeners(fleet.tenant.id), 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn coming_and_going_loses_and_repeats_nothing(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let stop = AtomicBool::new(false);
    let writer = async {
        while !stop.load(Ordering::Relaxed) {
            record(&fleet, 3).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let clients = async {
        let clients = (0..300_u64).map(|client| visits(&app, &fleet, client));
        let records = join_all(clients).await;
        stop.store(true, Ordering::Relaxed);
        records
    };
    let (records, ()) = tokio::join!(clients, writer);
    for (client, seen) in records.iter().enumerate() {
        let whole: Vec<_> = (seen[0]..).take(seen.len()).collect();
        assert_eq!(seen, &whole, "client {client}");
    }
    until(async || app.node.app.feed.listeners(fleet.tenant.id) == 0).await;

    let mut again = app.socket(fleet.token()).await;
    again.subscribe("1", NUMBERS, json!({})).await;
    let next = record(&fleet, 1).await;
    assert_eq!(number(&app, &fleet, &again.data().await["cursor"]), next);
}

/// What one client sees that comes four times, for a moment each, and goes on where it was.
async fn visits(app: &TestApp, fleet: &Fleet, client: u64) -> Vec<i64> {
    let (mut cursor, mut seen) = (json!(null), Vec::new());
    for visit in 0..4 {
        tokio::time::sleep(Duration::from_millis(client * 37 % 900)).await;
        let mut socket = app.socket(fleet.token()).await;
        let document = if client.is_multiple_of(2) { NUMBERS } else { SAME };
        start_numbers(&mut socket, document, &cursor).await;
        for _ in 0..3 + (client + visit) % 30 {
            cursor = socket.data().await["cursor"].clone();
            seen.push(number(app, fleet, &cursor));
        }
        if client.is_multiple_of(3) {
            socket.send(json!({"id": "n", "type": "complete"})).await;
        }
    }
    seen
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_reads_slowly_gets_everything_and_slows_nobody(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let id = fleet.station(5).await.parse().unwrap();
    let mut station = service::station::get(&fleet.system(), id).await.unwrap();
    station.address = Some("x".repeat(1_000));
    let aliases: Vec<_> = (0..20).map(|n| format!("a{n}: address")).collect();
    let aliases = aliases.join(" ");
    let document = format!("subscription {{ fleetEvents {{ cursor station {{ {aliases} }} }} }}");
    let (mut slow, mut quick) = (app.socket(fleet.token()).await, app.socket(fleet.token()).await);
    slow.subscribe("1", &document, json!({})).await;
    quick.subscribe("1", &document, json!({})).await;
    assert_eq!(app.node.app.feed.listeners(fleet.tenant.id), 1);

    // Far more than the ring, the socket's queue and the network's buffers hold.
    let (writes, events) = (40, 30);
    let first = fleet.system().stream_cursor().await.unwrap().seq + 1;
    let expected: Vec<_> = (first..).take(writes * events).collect();
    let writer = async {
        for _ in 0..writes {
            let (ctx, after) = (fleet.system(), Box::new(station.clone()));
            let changed = Event::StationChanged { before: None, after };
            let write = ctx.write(|tx| {
                (0..events).for_each(|_| tx.record(changed.clone()));
                async { Ok(()) }
            });
            write.await.unwrap();
        }
    };
    let (seen, ()) = tokio::join!(numbers(&app, &fleet, &mut quick, expected.len()), writer);
    assert_eq!(seen, expected, "the quick one");
    let seen = numbers(&app, &fleet, &mut slow, expected.len()).await;
    assert_eq!(seen, expected, "the slow one");
    assert!(slow.silent().await && quick.silent().await);
}

async fn numbers(app: &TestApp, fleet: &Fleet, socket: &mut Socket, count: usize) -> Vec<i64> {
    let mut seen = Vec::new();
    while seen.len() < count {
        seen.push(number(app, fleet, &socket.data().await["cursor"]));
    }
    seen
}

#[rstest]
#[tokio::test]
async fn a_stream_that_cannot_go_on_tells_each_member(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = app.socket(fleet.token()).await;
        socket.subscribe("1", NUMBERS, json!({})).await;
        sockets.push(socket);
    }
    service::event::epoch::renew(&app.node.app.db, fleet.tenant.id).await.unwrap();
    for mut socket in sockets {
        let told = socket.message().await;
        assert_eq!(told["type"], "error", "{told:#}");
        assert_eq!(told["payload"][0]["extensions"]["code"], "RESYNC_REQUIRED");
    }
    until(async || app.node.app.feed.listeners(fleet.tenant.id) == 0).await;
}

async fn start_numbers(socket: &mut Socket, document: &str, after: &Value) {
    let payload = json!({"query": document, "variables": {"after": after}});
    socket.send(json!({"id": "n", "type": "subscribe", "payload": payload})).await;
}

/// So many events in one write; the number of the first.
async fn record(fleet: &Fleet, events: i64) -> i64 {
    let ctx = fleet.system();
    let tariff = fleet.tariff.parse().unwrap();
    ctx.write(|tx| async move {
        (0..events).for_each(|_| tx.record(Event::TariffChanged { id: tariff }));
        Ok(())
    })
    .await
    .unwrap();
    ctx.stream_cursor().await.unwrap().seq - events + 1
}

fn number(app: &TestApp, fleet: &Fleet, cursor: &Value) -> i64 {
    Cursor::open(&text(cursor), &app.node.app.keys, fleet.tenant.id).unwrap().seq
}

async fn until(holds: impl AsyncFn() -> bool) {
    for _ in 0..100 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not come true");
}
