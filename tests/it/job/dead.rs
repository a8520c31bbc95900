//! Jobs that fail: they are tried again ever later, and those that are given up wait for somebody.

use chrono::Duration;
use futures_util::future::join_all;
use rstest::rstest;
use service::job::worker::Tally;
use tests::{
    Fleet, Rider,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, text,
};

const FAILED: Tally = Tally { done: 0, failed: 1, dead: 0 };
const DEAD: Tally = Tally { done: 0, failed: 0, dead: 1 };
const DOCUMENT: &str = "query($filter: DeadJobFilter) { deadJobs(filter: $filter) { totalCount nodes {
    id queue name payload subjectId attempts lastError firstFailedAt lastFailedAt open retriedAt discardedAt discardReason } } }";

async fn dead_jobs(fleet: &Fleet, filter: Value) -> Vec<Value> {
    let found = fleet.query(DOCUMENT, json!({"filter": filter})).await["deadJobs"].clone();
    let nodes = found["nodes"].as_array().unwrap().clone();
    assert_eq!(found["totalCount"], nodes.len());
    nodes
}

/// A rental that is due in two hours.
async fn ride(app: &TestApp, fleet: &Fleet) -> (Rider, String) {
    let rider = fleet.rider(app).await;
    let started = rider.start_rental(&fleet.vehicle().await).await.ok();
    (rider, text(&started["rental"]["id"]))
}

/// As seconds from now by the test's clock.
async fn next_attempt(app: &TestApp) -> i64 {
    let at = match app.shape {
        Embedded => "run_at",
        Production => "extract(epoch FROM run_at)::bigint",
    };
    let sql = format!("SELECT {at} FROM {} WHERE status = 'Failed'", app.shape.jobs());
    app.count(&sql).await - app.node.app.now().timestamp()
}

#[rstest]
#[tokio::test]
async fn a_job_that_fails_is_tried_again_ever_later_and_then_given_up(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (_rider, rental) = ride(&app, &fleet).await;
    app.sql("ALTER TABLE rental RENAME TO rental_of_nobody").await.unwrap();
    app.advance(Duration::hours(2));

    let mut pauses = Vec::new();
    for _ in 1..10 {
        assert_eq!(app.try_jobs().await, FAILED);
        // It is not tried before its time.
        assert_eq!(app.try_jobs().await, Tally::default());
        pauses.push(next_attempt(&app).await);
        app.advance(Duration::seconds(*pauses.last().unwrap()));
    }
    assert!(pauses[..8].is_sorted_by(|a, b| a < b), "{pauses:?}");
    assert!(pauses[0] <= 3 && *pauses.last().unwrap() <= 376, "{pauses:?}");
    let told = "the worker''s log tells more";
    let kept = format!(
        "SELECT count(*) FROM {} WHERE attempts = 9 AND CAST(last_result AS TEXT) LIKE '%{told}%'",
        shape.jobs()
    );
    assert_eq!(app.count(&kept).await, 1);
    assert_eq!(app.try_jobs().await, DEAD);
    app.advance(Duration::days(1));
    assert_eq!(app.try_jobs().await, Tally::default());

    let dead =
        dead_jobs(&fleet, json!({"queue": "DEFAULT", "name": "mark_overdue", "open": true})).await;
    let [dead] = dead.as_slice() else { panic!("{dead:?}") };
    assert_eq!(dead["subjectId"], rental);
    assert_eq!(dead["attempts"], 10);
    assert_eq!(dead["lastError"], "a defect; the worker's log tells more");
    assert_eq!(dead["firstFailedAt"], "2035-01-01T14:00:00Z");
    assert!(text(&dead["lastFailedAt"]) > text(&dead["firstFailedAt"]));
    let payload: Value = serde_json::from_str(&text(&dead["payload"])).unwrap();
    assert_eq!(payload["rental"], rental);
    let metrics = app.metrics().await;
    for line in [
        "bikelease_jobs_dead{queue=\"default\"} 1",
        "bikelease_jobs_waiting{queue=\"default\"} 0",
        "bikelease_job_runs_total{queue=\"default\",outcome=\"failed\"} 9",
        "bikelease_job_runs_total{queue=\"default\",outcome=\"dead\"} 1",
        "bikelease_job_run_seconds_count{queue=\"default\"} 10",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }

    app.sql("ALTER TABLE rental_of_nobody RENAME TO rental").await.unwrap();
    runs_again(&app, &fleet, &text(&dead["id"])).await;
}

/// Once, however often somebody clicks.
async fn runs_again(app: &TestApp, fleet: &Fleet, id: &str) {
    let clicks = (0..8).map(|_| async move {
        let input = json!({"deadJobId": id});
        let fields = "deadJob { id open retriedAt }";
        fleet.mutate("retryDeadJob", fields, input).await.ok()["deadJob"].clone()
    });
    for answer in join_all(clicks).await {
        assert_eq!(answer["open"], false);
        assert_eq!(answer["retriedAt"], json!(app.node.app.now()));
    }
    assert_eq!(app.run_jobs().await, 1);
    assert_eq!(app.count("SELECT count(*) FROM rental WHERE overdue_at IS NOT NULL").await, 1);
    assert!(dead_jobs(fleet, json!({"open": true})).await.is_empty());
    assert_eq!(dead_jobs(fleet, json!({"open": false})).await.len(), 1);
    let input = json!({"deadJobId": id, "reason": "nobody needs it"});
    let refused = fleet.mutate("discardDeadJob", "deadJob { id }", input).await;
    assert_eq!(refused.code(), "DEAD_JOB_RETRIED");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_job_that_nobody_can_read_is_the_platforms(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    app.sql(&shape.waiting_job("low", "no JSON", 2)).await.unwrap();
    app.sql(&shape.waiting_job("low", json!({"job": "prune"}), 2)).await.unwrap();

    // A newer version might read it: it is tried as often as any other, and holds up nothing.
    assert_eq!(app.try_jobs().await, Tally { done: 1, failed: 1, dead: 0 });
    app.advance(Duration::minutes(1));
    assert_eq!(app.try_jobs().await, DEAD);

    assert!(dead_jobs(&fleet, json!({})).await.is_empty());
    let administrator = app.administrator().await;
    let found = administrator.query(DOCUMENT, json!({})).await["deadJobs"]["nodes"][0].clone();
    assert_eq!((&found["name"], &found["attempts"]), (&json!("unreadable"), &json!(2)));
    assert_eq!(found["payload"], "\"no JSON\"");
    let document = "{ jobQueues { name waiting scheduled running retrying dead oldestWaiting } }";
    let queues = administrator.query(document, json!({})).await["jobQueues"].clone();
    let low = json!({"name": "LOW", "waiting": 0, "scheduled": 0, "running": 0, "retrying": 0, "dead": 1,
        "oldestWaiting": null});
    assert_eq!(queues[3], low);

    let input = json!({"deadJobId": found["id"], "reason": "written by hand"});
    for _ in 0..2 {
        let discarded = administrator
            .mutate("discardDeadJob", "deadJob { open discardReason }", input.clone())
            .await
            .ok();
        assert_eq!(
            discarded["deadJob"],
            json!({"open": false, "discardReason": "written by hand"})
        );
    }
    let input = json!({"deadJobId": found["id"]});
    let refused = administrator.mutate("retryDeadJob", "deadJob { id }", input).await;
    assert_eq!(refused.code(), "DEAD_JOB_DISCARDED");
}

#[rstest]
#[tokio::test]
async fn jobs_that_are_the_same_are_told_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let broken = fleet.broken_job();
    for _ in 0..3 {
        app.sql(&shape.waiting_job("default", &broken, 1)).await.unwrap();
    }
    assert_eq!(app.try_jobs().await, Tally { done: 0, failed: 0, dead: 3 });
    let dead = dead_jobs(&fleet, json!({})).await;
    assert!(dead.len() == 1 && dead[0]["attempts"] == 3, "{dead:?}");

    // As when the worker that told it died before it could write that down.
    let again = format!("UPDATE {} SET status = 'Pending'", shape.jobs());
    fleet.mutate("retryDeadJob", "deadJob { id }", json!({"deadJobId": dead[0]["id"]})).await.ok();
    app.sql(&format!("DELETE FROM {} WHERE idempotency_key IS NOT NULL", shape.jobs()))
        .await
        .unwrap();
    app.sql(&format!("{again} WHERE id = (SELECT job_id FROM dead_job)")).await.unwrap();
    assert_eq!(app.try_jobs().await, DEAD);
    let dead = dead_jobs(&fleet, json!({})).await;
    assert!(dead.len() == 1 && dead[0]["open"] == false, "{dead:?}");
}

/// Each attempt took its worker with it: another would take the next one.
#[rstest]
#[tokio::test]
async fn a_job_that_kills_its_workers_is_given_up_unrun(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    ride(&app, &fleet).await;
    app.run_jobs().await;
    app.sql(&format!("UPDATE {} SET attempts = max_attempts", shape.jobs())).await.unwrap();
    app.advance(Duration::hours(3));
    assert_eq!(app.try_jobs().await, DEAD);
    let dead = dead_jobs(&fleet, json!({})).await;
    assert_eq!(dead[0]["lastError"], "the process that ran it ended, each time it was tried");
    assert_eq!(dead[0]["attempts"], 10);
    assert_eq!(app.count("SELECT count(*) FROM rental WHERE overdue_at IS NOT NULL").await, 0);
}

#[rstest]
#[tokio::test]
async fn many_run_again_in_steps(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    for _ in 0..103 {
        app.sql(&shape.waiting_job("payments", fleet.broken_job(), 1)).await.unwrap();
    }
    assert_eq!(app.try_jobs().await.dead, 103);
    let fields = "deadJobs { id } left";
    let none = fleet.mutate("retryDeadJobs", fields, json!({"queue": "LOW"})).await.ok();
    assert_eq!(none, json!({"deadJobs": [], "left": 0, "userErrors": []}));
    for (count, left) in [(100, 3), (3, 0), (0, 0)] {
        let done = fleet.mutate("retryDeadJobs", fields, json!({"queue": "PAYMENTS"})).await.ok();
        assert_eq!(done["deadJobs"].as_array().unwrap().len(), count);
        assert_eq!(done["left"], left);
    }
    // They are no better than before, and are tried as often as a job of that queue is.
    assert_eq!(app.try_jobs().await, Tally { done: 0, failed: 103, dead: 0 });
}

/// Nodes of two versions share the queues while one replaces the other.
#[rstest]
#[tokio::test]
async fn what_an_older_version_has_queued_is_run(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (_rider, rental) = ride(&app, &fleet).await;
    app.run_jobs().await;
    app.sql(&format!("DELETE FROM {}", shape.jobs())).await.unwrap();
    let job = json!({"job": "mark_overdue", "tenant": fleet.tenant.id, "rental": rental});
    app.sql(&shape.waiting_job("bikelease", &job, 5)).await.unwrap();
    app.advance(Duration::hours(2));
    assert_eq!(app.run_jobs().await, 1);
    assert_eq!(app.count("SELECT count(*) FROM rental WHERE overdue_at IS NOT NULL").await, 1);
}
