//! The commands of the binary, as an operator types them.

use std::time::{Duration, Instant};

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    json,
    process::{Process, command, run},
    text,
};

#[rstest]
#[tokio::test]
async fn an_operator_sets_up_from_nothing(#[values(Embedded, Production)] shape: Shape) {
    let url = shape.empty().await;
    let folder =
        std::env::temp_dir().join(format!("bikelease-command-{}-{shape:?}", std::process::id()));
    let folder = folder.display().to_string();
    let settings = [
        ("BIKELEASE_DATABASE_URL", url.as_str()),
        ("BIKELEASE_DATA_DIR", &folder),
        ("NEW_USER_PASSWORD", "correct horse"),
    ];

    assert_eq!(run(&settings, &["migrate", "up"]).await.1, 0);
    let (status, code) = run(&settings, &["migrate", "status"]).await;
    assert!(code == 0 && !status.contains("pending"), "{status}");
    let tenant = [
        "tenant",
        "create",
        "velo",
        "--name",
        "Velo",
        "--time-zone",
        "Europe/Berlin",
        "--currency",
        "EUR",
    ];
    assert_eq!(run(&settings, &tenant).await.1, 0);
    let (refused, code) = run(&settings, &tenant).await;
    assert!(code == 1 && refused.contains("in use"), "{refused}");
    let (help, code) = run(&settings, &["user", "create", "--help"]).await;
    assert!(code == 0 && help.contains("Example"), "{help}");
    let user = [
        "user",
        "create",
        "--tenant",
        "velo",
        "--email",
        "o@velo.example",
        "--name",
        "Olga",
        "--role",
        "owner",
    ];
    let (made, code) = run(&settings, &user).await;
    assert_eq!(code, 0, "{made}");
    assert_eq!(run(&settings, &["epoch", "renew"]).await.1, 0);
    assert_eq!(run(&settings, &["seed"]).await.1, 0);
    let (again, code) = run(&settings, &["seed"]).await;
    assert!(code == 0 && again.contains("already"), "{again}");

    let (clean, code) = run(&settings, &["invariants"]).await;
    assert_eq!(code, 0, "{clean}");
    let db = service::db::Db::connect(&url, 1).await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(db.writer(), "DELETE FROM event WHERE seq = 1")
        .await
        .unwrap();
    db.close().await.unwrap();
    let (broken, code) = run(&settings, &["invariants"]).await;
    assert!(code == 1 && broken.contains("event_numbers"), "{broken}");
    assert_eq!(run(&settings, &["migrate", "down", "--steps", "8"]).await.1, 0);
}

#[tokio::test]
async fn a_wrong_setting_stops_the_start_and_is_named() {
    let (said, code) = run(&[("BIKELEASE_PROT", "8000")], &["serve"]).await;
    assert!(
        code == 1 && said.contains("BIKELEASE_PROT") && said.contains("BIKELEASE_PORT"),
        "{said}"
    );
    let (said, code) = run(&[("BIKELEASE_PORT", "many")], &["serve"]).await;
    assert!(code == 1 && said.contains("BIKELEASE_PORT"), "{said}");
    let short = [("BIKELEASE_ENV", "production"), ("BIKELEASE_SECRET", "short")];
    let (said, code) = run(&short, &["serve"]).await;
    assert!(code == 1 && said.contains("BIKELEASE_SECRET") && !said.contains("short\""), "{said}");
}

/// By the system's clock, with the queue's own worker, over a crash.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_survive_a_crash(#[values(Embedded, Production)] shape: Shape) {
    let place = shape.place().await;
    let settings = place.settings();
    let node = Process::serve(&settings, &[]).await;
    let input =
        json!({"tenant": "bayarea", "email": "rider@bayarea.example", "password": "demo-rider"});
    let tokens = node.client(None).mutate("signIn", "accessToken", input).await.ok();
    let rider = node.client(Some(text(&tokens["accessToken"])));
    let found = rider.query("{ vehicles(first: 1) { nodes { id } } }", json!({})).await;
    let vehicle = text(&found["vehicles"]["nodes"][0]["id"]);
    rider.reserve(&vehicle).await.ok();
    // The hold becomes a job within half a second or so.
    tokio::time::sleep(Duration::from_secs(2)).await;
    node.kill().await;

    let db = service::db::Db::connect(place.admin_url(), 1).await.unwrap();
    let (past, due) = match shape {
        Embedded => (
            "'2020-01-01T00:00:00+00:00'",
            "UPDATE Jobs SET run_at = 0 WHERE idempotency_key LIKE 'expire_hold:%'",
        ),
        Production => (
            "'2020-01-01'",
            "UPDATE apalis.jobs SET run_at = '2020-01-01' WHERE idempotency_key LIKE 'expire_hold:%'",
        ),
    };
    let over =
        format!("UPDATE vehicle SET reserved_until = {past} WHERE reserved_until IS NOT NULL");
    for statement in [over.as_str(), due] {
        let done =
            sea_orm::ConnectionTrait::execute_unprepared(db.writer(), statement).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{statement}");
    }
    db.close().await.unwrap();

    let node = Process::serve(&settings, &["--no-worker"]).await;
    let worker =
        command(&settings, &["worker"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let rider = node.client(rider.token());
    let document = "query($id: ID!) { node(id: $id) { ... on Vehicle { state } } }";
    let waited = Instant::now();
    loop {
        let seen = rider.query(document, json!({"id": vehicle})).await;
        if seen["node"]["state"] == "AVAILABLE" {
            break;
        }
        assert!(waited.elapsed() < Duration::from_secs(25), "the hold was never ended: {seen}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop(worker);
    assert_eq!(node.terminate().await, Some(0));
}

/// A role that sees no tenant would serve an empty platform: the node says which, and does not start.
#[rstest]
#[tokio::test]
async fn a_role_that_sees_nothing_is_named(#[values(Production)] shape: Shape) {
    let app = tests::TestApp::start(shape).await;
    app.fleet("Velo Nord").await;
    let mut settings = app.place.settings();
    settings.push(("BIKELEASE_DEMO", "false".to_owned()));
    for missing in ["BIKELEASE_DATABASE_READ_URL", "BIKELEASE_DATABASE_FEED_URL"] {
        let some: Vec<_> = settings.iter().filter(|(name, _)| *name != missing).cloned().collect();
        let (said, code) = run(&some, &["serve", "--port", "0"]).await;
        let key = missing.trim_start_matches("BIKELEASE_").to_lowercase();
        assert!(code == 1 && said.contains(&key), "{said}");
    }
}

#[rstest]
#[tokio::test]
async fn an_operator_makes_roles(#[values(Embedded, Production)] shape: Shape) {
    let url = shape.empty().await;
    let folder =
        std::env::temp_dir().join(format!("bikelease-roles-{}-{shape:?}", std::process::id()));
    let folder = folder.display().to_string();
    let settings = [("BIKELEASE_DATABASE_URL", url.as_str()), ("BIKELEASE_DATA_DIR", &folder)];
    let (said, code) = run(&settings, &["migrate", "roles"]).await;
    match shape {
        Embedded => assert!(code == 1 && said.contains("SQLite has no roles"), "{said}"),
        Production => {
            assert_eq!(code, 0, "{said}");
            assert_eq!(run(&settings, &["migrate", "up"]).await.1, 0);
            assert_eq!(run(&settings, &["migrate", "roles"]).await.1, 0);
            let db = service::db::Db::connect(&url, 1).await.unwrap();
            let sql = "SELECT has_table_privilege('bikelease_application', 'vehicle', 'INSERT')
                AND NOT has_table_privilege('bikelease_feed', 'vehicle', 'SELECT')";
            let statement = sea_orm::Statement::from_string(db.backend(), sql);
            let row =
                sea_orm::ConnectionTrait::query_one_raw(db.writer(), statement).await.unwrap();
            assert!(row.unwrap().try_get_by_index::<bool>(0).unwrap());
        }
    }
}
