//! Workers as processes, by the system's clock: which queues they work on, and what becomes of a job when one is killed.

use std::time::{Duration, Instant};

use rstest::rstest;
use tests::{
    Fleet,
    Shape::{self, Embedded, Production},
    TestApp, Value, json,
    process::{Process, command, free_port, run},
};
use tokio::process::Child;

use crate::nodes::settings;

fn worker(app: &TestApp, arguments: &[&str]) -> Child {
    let arguments = [&["worker"], arguments].concat();
    let mut command = command(&settings(app), &arguments);
    command.stdout(std::process::Stdio::null()).spawn().unwrap()
}

/// Ends a hold that there is not, which does nothing.
async fn idle_job(fleet: &Fleet) -> Value {
    json!({"job": "expire_hold", "tenant": fleet.tenant.id, "vehicle": fleet.vehicle().await})
}

/// How many jobs of a queue are in a state.
async fn jobs(app: &TestApp, queue: &str, condition: &str) -> i64 {
    let table = app.shape.jobs();
    app.count(&format!("SELECT count(*) FROM {table} WHERE job_type = '{queue}' AND {condition}"))
        .await
}

async fn until(app: &TestApp, queue: &str, condition: &str) {
    let waited = Instant::now();
    while jobs(app, queue, condition).await == 0 {
        assert!(waited.elapsed() < Duration::from_secs(90), "{queue}: never {condition}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const DONE: &str = "status = 'Done'";
const WAITS: &str = "status = 'Pending'";

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_in_one_queue_delays_no_other(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let job = idle_job(&fleet).await;
    app.sql(&shape.waiting_jobs("low", json!({"job": "prune"}), 3, 2_000)).await.unwrap();
    let mut worker = worker(&app, &[]);
    until(&app, "low", DONE).await;

    app.sql(&shape.waiting_job("payments", &job, 3)).await.unwrap();
    until(&app, "payments", DONE).await;

    assert!(jobs(&app, "low", WAITS).await > 0, "the flood was over before");
    worker.kill().await.unwrap();
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_leaves_other_queues_alone(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let job = idle_job(&fleet).await;
    for queue in ["critical", "payments", "default", "bikelease", "low"] {
        app.sql(&shape.waiting_job(queue, &job, 3)).await.unwrap();
    }

    let port = free_port().to_string();
    let mut low = worker(&app, &["--queues", "low", "--metrics-port", &port]);
    until(&app, "low", DONE).await;
    let url = format!("http://127.0.0.1:{port}/metrics");
    let metrics = app.http().get(url).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("bikelease_jobs_waiting{queue=\"payments\"} 1"), "{metrics}");
    assert!(
        metrics.contains("bikelease_job_run_seconds_bucket{le=\"+Inf\",queue=\"low\"}"),
        "{metrics}"
    );
    low.kill().await.unwrap();

    let mut settings = settings(&app);
    settings.push(("BIKELEASE_JOBS", "payments, critical".to_owned()));
    let node = Process::serve(&settings, &[]).await;
    until(&app, "payments", DONE).await;
    until(&app, "critical", DONE).await;
    assert_eq!(node.terminate().await, Some(0));

    for queue in ["default", "bikelease"] {
        assert_eq!(jobs(&app, queue, WAITS).await, 1, "{queue}");
    }
}

#[tokio::test]
async fn a_queue_that_there_is_not_is_told_with_those_that_there_are() {
    let none: [(&str, &str); 0] = [];
    let (said, code) = run(&none, &["worker", "--queues", "payments,mail"]).await;
    assert!(code == 2 && said.contains("\"mail\""), "{said}");
    assert!(said.contains("critical, payments, default, low"), "{said}");
    let (said, code) = run(&[("BIKELEASE_JOBS", "mail")], &["serve"]).await;
    assert!(code == 1 && said.contains("BIKELEASE_JOBS"), "{said}");
    assert!(said.contains("critical, payments, default, low"), "{said}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_worker_had_begun_is_done_by_another(
    #[values(Embedded, Production)] shape: Shape,
) {
    const RUNNING: &str = "status = 'Running'";
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let job = idle_job(&fleet).await;
    app.sql(&shape.waiting_jobs("default", &job, 3, 3_000)).await.unwrap();
    // Killed at any moment, until one of these was in the middle of a job.
    while jobs(&app, "default", RUNNING).await == 0 {
        let mut killed = worker(&app, &["--queues", "default"]);
        until(&app, "default", RUNNING).await;
        killed.kill().await.unwrap();
    }
    let done = jobs(&app, "default", DONE).await;

    let mut other = worker(&app, &[]);
    until(&app, "default", "status = 'Done' AND attempts = 2").await;

    // It has done others meanwhile.
    assert!(jobs(&app, "default", "status = 'Done' AND attempts = 1").await > done);
    other.kill().await.unwrap();
}

/// The database had it taken, and the answer was lost on its way.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_a_worker_never_heard_of_is_given_back(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let job = idle_job(&fleet).await;
    let mut alive = worker(&app, &["--queues", "critical"]);
    app.sql(&shape.waiting_job("critical", &job, 3)).await.unwrap();
    until(&app, "critical", DONE).await;

    let workers = shape.jobs().to_lowercase().replace("jobs", "workers");
    let taken = format!(
        "UPDATE {} SET status = 'Running', done_at = NULL, lock_at = {}, lock_by =
         (SELECT id FROM {workers} WHERE worker_type = 'bikelease-worker' ORDER BY last_seen DESC LIMIT 1) WHERE job_type = 'critical'",
        shape.jobs(),
        if shape == Embedded { "1577836800" } else { "'2020-01-01Z'" },
    );
    assert_eq!(app.sql(&taken).await.unwrap(), 1);

    until(&app, "critical", "status = 'Done' AND attempts = 2").await;
    alive.kill().await.unwrap();
}
