//! Writes at the same time: each is kept or undone by itself, whatever the database does for several at once.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all};
use rstest::rstest;
use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use service::{Error, ctx::Ctx, error::Subject, event::Event, write::Tx};
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, text,
};
use tokio::sync::Notify;

/// A tenant, and a table that has nothing but what these tests write.
async fn start(shape: Shape) -> (TestApp, Ctx) {
    let app = TestApp::start(shape).await;
    app.sql("CREATE TABLE note (number INTEGER NOT NULL, body TEXT NOT NULL)").await.unwrap();
    if shape == Production {
        app.sql("GRANT ALL ON note TO bikelease_application").await.unwrap();
    }
    let ctx = app.fleet("Velo Nord").await.system();
    (app, ctx)
}

async fn insert(tx: &Tx, number: usize) -> service::Result<()> {
    let sql = format!("INSERT INTO note VALUES ({number}, 'a note')");
    tx.execute_unprepared(&sql).await?;
    tx.record(Event::TariffChanged { id: tx.new_id() });
    Ok(())
}

async fn note(ctx: &Ctx, number: usize) -> service::Result<()> {
    ctx.write(|tx| async move { insert(&tx, number).await }).await
}

/// The numbers of the next events.
async fn heard(
    events: impl futures_util::Stream<Item = service::Result<Arc<service::event::Recorded>>>,
    count: usize,
) -> Vec<i64> {
    let all = events.take(count).map(|event| event.unwrap().seq).collect();
    tokio::time::timeout(Duration::from_secs(10), all).await.unwrap()
}

async fn head(app: &TestApp) -> i64 {
    app.count("SELECT last_seq FROM stream_head").await
}

/// What was said to be kept is there, and nothing else is; so are the events.
async fn assert_kept(app: &TestApp, before: i64, outcomes: &[service::Result<()>]) {
    for (number, outcome) in outcomes.iter().enumerate() {
        let there = app.count(&format!("SELECT count(*) FROM note WHERE number = {number}")).await;
        assert_eq!(there, i64::from(outcome.is_ok()), "{number}: {outcome:?}");
    }
    let kept = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(head(app).await - before, i64::try_from(kept).unwrap());
    app.assert_sound().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_are_all_there_and_told_in_order(
    #[values(Embedded, Production)] shape: Shape,
) {
    let (app, ctx) = start(shape).await;
    let before = head(&app).await;
    let events = ctx.events(None).await.unwrap();

    let outcomes = join_all((0..60).map(|number| note(&ctx, number))).await;

    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let numbers = heard(events, 60).await;
    assert_eq!(numbers, (before + 1..=before + 60).collect::<Vec<_>>());
    assert_kept(&app, before, &outcomes).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rides_at_the_same_time_all_begin_and_end(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(20).await;
    let mut seats = Vec::new();
    for _ in 0..16 {
        seats.push((fleet.rider(&app).await, fleet.vehicle().await));
    }

    let rides = seats.iter().map(|(rider, vehicle)| async {
        let rental = text(&rider.start_rental(vehicle).await.ok()["rental"]["id"]);
        rider.end_rental(&rental, &station).await.ok();
    });
    join_all(rides).await;

    assert_eq!(app.count("SELECT count(*) FROM rental WHERE state = 'ended'").await, 16);
    assert_eq!(fleet.counters(&station).await, (16, 0, 0, 4));
    app.assert_sound().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refused_write_takes_back_only_its_own(#[values(Embedded, Production)] shape: Shape) {
    let (app, ctx) = start(shape).await;
    let before = head(&app).await;
    let events = ctx.events(None).await.unwrap();

    let writes = (0..30).map(|number| {
        ctx.write(move |tx| async move {
            insert(&tx, number).await?;
            if number % 3 == 0 { Err(Error::NotFound(Subject::Vehicle)) } else { Ok(()) }
        })
    });
    let outcomes = join_all(writes).await;

    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(matches!(outcome, Err(Error::NotFound(_))), number % 3 == 0, "{outcome:?}");
    }
    let numbers = heard(events, 20).await;
    assert_eq!(numbers, (before + 1..=before + 20).collect::<Vec<_>>());
    assert_kept(&app, before, &outcomes).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_that_is_given_up_half_way_leaves_nothing(
    #[values(Embedded, Production)] shape: Shape,
    #[values(true, false)] panics: bool,
) {
    let (app, ctx) = start(shape).await;
    let before = head(&app).await;
    let reached = Arc::new(Notify::new());
    let (half_way, its) = (Arc::clone(&reached), ctx.clone());
    let given_up = tokio::spawn(async move {
        let outcome = its.write(|tx| {
            let half_way = Arc::clone(&half_way);
            async move {
                insert(&tx, 99).await?;
                half_way.notify_one();
                assert!(!panics, "as a defect would");
                std::future::pending::<service::Result<()>>().await
            }
        });
        outcome.await
    });
    reached.notified().await;

    let writes = join_all((0..10).map(|number| note(&ctx, number)));
    let ended = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        given_up.abort();
        given_up.await
    };
    let (outcomes, ended) = tokio::join!(writes, ended);

    assert_eq!(ended.unwrap_err().is_panic(), panics);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(app.count("SELECT count(*) FROM note WHERE number = 99").await, 0);
    assert_kept(&app, before, &outcomes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_connection_gets_its_turn_between_writes() {
    let (app, ctx) = start(Embedded).await;
    let mut options = ConnectOptions::new(&app.place.database_url);
    options.max_connections(1);
    options.map_sqlx_sqlite_opts(|sqlite| sqlite.busy_timeout(Duration::from_secs(5)));
    let other = Database::connect(options).await.unwrap();
    let (done, stop) = tokio::sync::watch::channel(false);
    let stream = (0..8).map(|_| async {
        let mut written = 0;
        while !*stop.borrow() {
            note(&ctx, 0).await.unwrap();
            written += 1;
        }
        written
    });
    let others = async {
        for _ in 0..2 {
            other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
            other.execute_unprepared("INSERT INTO note VALUES (1, 'theirs')").await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            other.execute_unprepared("COMMIT").await.unwrap();
        }
        done.send_replace(true);
    };

    let (written, ()) = tokio::join!(join_all(stream), others);

    assert_eq!(app.count("SELECT count(*) FROM note WHERE number = 1").await, 2);
    let written: i64 = written.iter().sum();
    assert_eq!(app.count("SELECT count(*) FROM note WHERE number = 0").await, written);
    app.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_fails_keeps_nothing_and_tells_nobody() {
    let (app, ctx) = start(Embedded).await;
    app.sql("CREATE TABLE part (note INTEGER REFERENCES whole (id) DEFERRABLE INITIALLY DEFERRED)")
        .await
        .unwrap();
    app.sql("CREATE TABLE whole (id INTEGER PRIMARY KEY)").await.unwrap();
    let before = head(&app).await;
    let events = ctx.events(None).await.unwrap();

    let writes = (0..40).map(|number| {
        ctx.write(move |tx| async move {
            insert(&tx, number).await?;
            if number == 20 {
                tx.execute_unprepared("INSERT INTO part VALUES (1)").await?;
            }
            Ok(())
        })
    });
    let mut outcomes = join_all(writes).await;

    assert!(matches!(outcomes[20], Err(Error::Internal(_))), "{:?}", outcomes[20]);
    assert_kept(&app, before, &outcomes).await;
    outcomes.push(note(&ctx, outcomes.len()).await);
    let kept = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let numbers = heard(events, kept).await;
    assert_eq!(numbers, (before + 1..=head(&app).await).collect::<Vec<_>>());
    assert_kept(&app, before, &outcomes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_disk_undoes_whole_writes_and_is_over_when_there_is_room() {
    let (app, ctx) = start(Embedded).await;
    let before = head(&app).await;
    let events = ctx.events(None).await.unwrap();
    // No smaller than it is.
    app.sql("PRAGMA max_page_count = 1").await.unwrap();

    let writes = (0..30).map(|number| {
        ctx.write(move |tx| async move {
            insert(&tx, number).await?;
            if number % 10 == 5 {
                let sql = "UPDATE note SET body = hex(zeroblob(500000)) WHERE number = ";
                tx.execute_unprepared(&format!("{sql}{number}")).await?;
            }
            Ok(())
        })
    });
    let mut outcomes = join_all(writes).await;

    assert!(outcomes.iter().any(Result::is_err));
    assert_kept(&app, before, &outcomes).await;
    app.sql("PRAGMA max_page_count = 1073741823").await.unwrap();
    let refused = ctx
        .write(|tx| async move {
            insert(&tx, 99).await?;
            service::Result::<()>::Err(Error::NotFound(Subject::Vehicle))
        })
        .await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    assert_eq!(app.count("SELECT count(*) FROM note WHERE number = 99").await, 0);
    outcomes.push(note(&ctx, outcomes.len()).await);
    let kept = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let numbers = heard(events, kept).await;
    assert_eq!(numbers, (before + 1..=head(&app).await).collect::<Vec<_>>());
    assert_kept(&app, before, &outcomes).await;
}

#[rstest]
#[tokio::test]
async fn after_the_end_a_write_is_refused_and_does_not_hang(
    #[values(Embedded, Production)] shape: Shape,
) {
    let (app, ctx) = start(shape).await;
    app.node.app.db.clone().close().await.unwrap();

    let late = tokio::time::timeout(Duration::from_secs(5), note(&ctx, 0)).await.unwrap();

    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
}
