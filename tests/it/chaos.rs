//! Killed without warning at any moment of a load: what was acknowledged is there, and everything holds. By `make chaos`.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    process::Stdio,
    time::{Duration, Instant},
};

use entity::{
    Id,
    rental::{Column, Entity, RentalId},
};
use rstest::rstest;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use tests::{
    Shape::{self, Embedded, Production},
    TestApp,
    process::{command, run},
};
use tokio::io::{AsyncBufReadExt, BufReader};

const ROUNDS: u64 = 20;
/// Of each shape, so that both end within five minutes.
const LONGEST: Duration = Duration::from_secs(140);

#[rstest]
#[ignore = "minutes long: make chaos"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_moment_loses_nothing_that_was_acknowledged(
    #[values(Embedded, Production)] shape: Shape,
) {
    let seed: u64 =
        std::env::var("BIKELEASE_TEST_CHAOS_SEED").map_or(2014, |seed| seed.parse().unwrap());
    let app = TestApp::start(shape).await;
    assert_eq!(run(&app.place.settings(), &["seed"]).await.1, 0);
    let (began, mut acknowledged) = (Instant::now(), 0);
    for round in 0..ROUNDS {
        let moment = chance(seed, round, 2_500);
        let told = load_until_killed(&app, round, Duration::from_millis(moment)).await;
        let (started, ended) = (ids(&told, "started "), ids(&told, "ended "));
        acknowledged += started.len() + ended.len();
        assert_eq!(
            there(&app, &started, false).await,
            started.len(),
            "round {round} of seed {seed}"
        );
        assert_eq!(there(&app, &ended, true).await, ended.len(), "round {round} of seed {seed}");
        app.assert_sound().await;
        assert!(began.elapsed() < LONGEST, "only {round} rounds in {LONGEST:?}");
    }
    assert!(acknowledged > 0);
    println!(
        "{shape:?}: {ROUNDS} kills by seed {seed} in {:.0?}, all of {acknowledged} acknowledged starts and ends are there",
        began.elapsed()
    );
}

/// What the load had acknowledged, to the last whole line.
async fn load_until_killed(app: &TestApp, round: u64, moment: Duration) -> Vec<String> {
    // Each round begins on another day, and leaves rides of the one before to be ended first.
    let from = format!("2014-09-{:02}T07:00", 1 + round % 28);
    let load = ["replay", "--speed", "max", "--for", "60s", "--each", "--from", &from];
    let mut load = command(&app.place.settings(), &load)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(load.stdout.take().unwrap());
    let mut told = vec![line(&mut lines).await.expect("the load never began")];
    let rest = tokio::spawn(async move {
        let mut rest = Vec::new();
        while let Some(next) = line(&mut lines).await {
            rest.push(next);
        }
        rest
    });
    tokio::time::sleep(moment).await;
    load.kill().await.unwrap();
    told.extend(rest.await.unwrap());
    told
}

/// A line that a kill cut in two says nothing.
async fn line(lines: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut text = String::new();
    let read = tokio::time::timeout(Duration::from_secs(60), lines.read_line(&mut text)).await;
    read.expect("the load fell silent").unwrap();
    text.strip_suffix('\n').map(ToOwned::to_owned)
}

fn ids(told: &[String], what: &str) -> Vec<RentalId> {
    told.iter().filter_map(|line| line.strip_prefix(what)).map(|id| id.parse().unwrap()).collect()
}

/// How many of these rentals are in the database.
async fn there(app: &TestApp, ids: &[RentalId], ended: bool) -> usize {
    let tenant = service::tenant::by_slug(&app.node.app, "bayarea").await.unwrap().id;
    let mut found = 0;
    for some in ids.chunks(500) {
        let mut rentals =
            Entity::of(tenant).filter(Column::Id.is_in(some.iter().map(|id| id.uuid())));
        if ended {
            rentals = rentals.filter(Column::EndedAt.is_not_null());
        }
        let rows: Vec<RentalId> = rentals
            .select_only()
            .column(Column::Id)
            .into_tuple()
            .all(app.node.app.db.reader())
            .await
            .unwrap();
        found += rows.len();
    }
    found
}

fn chance(seed: u64, round: u64, below: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, round).hash(&mut hasher);
    hasher.finish() % below
}
