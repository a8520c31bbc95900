//! Row-level security on PostgreSQL, by raw SQL as each role: what a query sees when it forgets its tenant.

#![expect(clippy::disallowed_methods, reason = "what is tried here is what a mistake would do")]

use rstest::rstest;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement, TransactionTrait,
};
use service::{db::Db, error::Error};
use tests::{
    Shape::{self, Production},
    TestApp, json,
};

use super::{catalogue::literal, objects::Tenant, stream};

/// As `Scopes` begins.
fn scope(tenant: &Tenant) -> String {
    format!(
        "SET LOCAL app.tenant_id = {}",
        literal(Production, &tenant.fleet.tenant.id.to_string())
    )
}

async fn two(app: &TestApp) -> (Tenant, Tenant) {
    let tenants = (Tenant::create(app, "Velo Nord").await, Tenant::create(app, "Rad Sued").await);
    stream::everything_happens(app, &tenants.0.fleet).await;
    stream::everything_happens(app, &tenants.1.fleet).await;
    for tenant in [&tenants.0, &tenants.1] {
        // The clock has moved: one call renews the token, before many at once would.
        tenant.fleet.query("{ me { id } }", json!({})).await;
    }
    tenants
}

async fn connect(url: &str, most: u32) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(most).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

async fn number(db: &impl ConnectionTrait, sql: &str) -> i64 {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    db.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn strings(db: &impl ConnectionTrait, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Every table with a tenant.
async fn tables(app: &TestApp) -> Vec<String> {
    let sql = "SELECT quote_ident(table_name) FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name = 'tenant_id' ORDER BY 1";
    strings(app.admin().await, sql).await
}

#[rstest]
#[tokio::test]
async fn without_a_tenant_there_is_nothing_and_with_one_only_its_own(
    #[values(Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let (ours, _theirs) = two(&app).await;
    let db = connect(&app.place.database_url, 1).await;
    let id = literal(shape, &ours.fleet.tenant.id.to_string());
    let mut filled = 0;
    for table in &tables(&app).await {
        let all = app.count(&format!("SELECT count(*) FROM {table}")).await;
        let own = app.count(&format!("SELECT count(*) FROM {table} WHERE tenant_id = {id}")).await;
        filled += usize::from(own > 0 && all > own);

        assert_eq!(number(&db, &format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
        for change in
            [format!("UPDATE {table} SET tenant_id = tenant_id"), format!("DELETE FROM {table}")]
        {
            assert_untouched(db.execute_unprepared(&change).await, table);
        }

        let tx = db.begin().await.unwrap();
        tx.execute_unprepared(&scope(&ours)).await.unwrap();
        assert_eq!(number(&tx, &format!("SELECT count(*) FROM {table}")).await, own, "{table}");
        tx.rollback().await.unwrap();
    }
    assert!(filled > 12, "only {filled} tables have rows of both");
}

#[rstest]
#[tokio::test]
async fn nothing_is_written_for_another_tenant(#[values(Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let (ours, theirs) = two(&app).await;
    let db = connect(&app.place.database_url, 1).await;
    let [our_id, their_id] =
        [&ours, &theirs].map(|tenant| literal(shape, &tenant.fleet.tenant.id.to_string()));
    let mut tried = 0;
    for table in tables(&app).await {
        if app.count(&format!("SELECT count(*) FROM {table} WHERE tenant_id = {our_id}")).await == 0
        {
            continue;
        }
        let columns = format!(
            "SELECT quote_ident(column_name) FROM information_schema.columns WHERE table_schema = 'public'
             AND quote_ident(table_name) = '{table}' AND column_name <> 'tenant_id' ORDER BY ordinal_position"
        );
        let columns = strings(app.admin().await, &columns).await.join(", ");
        for forbidden in [
            format!(
                "INSERT INTO {table} (tenant_id, {columns}) SELECT {their_id}, {columns} FROM {table} LIMIT 1"
            ),
            format!("UPDATE {table} SET tenant_id = {their_id}"),
        ] {
            let tx = db.begin().await.unwrap();
            tx.execute_unprepared(&scope(&ours)).await.unwrap();
            let error = tx.execute_unprepared(&forbidden).await.unwrap_err().to_string();
            let held = error.contains("row-level security") || error.contains("append-only");
            assert!(held, "{forbidden}: {error}");
            tx.rollback().await.unwrap();
        }
        let tx = db.begin().await.unwrap();
        tx.execute_unprepared(&scope(&ours)).await.unwrap();
        let theirs = format!("DELETE FROM {table} WHERE tenant_id = {their_id}");
        assert_untouched(tx.execute_unprepared(&theirs).await, &table);
        tx.rollback().await.unwrap();
        tried += 1;
    }
    assert!(tried > 12, "only {tried} tables were tried");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tenant_ends_with_the_transaction(#[values(Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let (ours, theirs) = two(&app).await;
    let db = connect(&app.place.database_url, 1).await;
    for keeps in [true, false] {
        let tx = db.begin().await.unwrap();
        tx.execute_unprepared(&scope(&ours)).await.unwrap();
        assert!(number(&tx, "SELECT count(*) FROM vehicle").await > 0);
        if keeps {
            tx.commit().await.unwrap()
        } else {
            tx.rollback().await.unwrap()
        }
        assert_eq!(
            strings(&db, "SELECT coalesce(current_setting('app.tenant_id', true), '')").await,
            [""]
        );
        assert_eq!(number(&db, "SELECT count(*) FROM vehicle").await, 0);
    }

    // The product's own pool, after writes of two tenants at once that were kept, refused, failed and cut off.
    let write = async |tenant: &Tenant| {
        let ctx = tenant.fleet.system();
        let refused: Result<(), Error> = ctx.write(|_| async { Err(Error::Forbidden) }).await;
        assert!(refused.is_err());
        let failed = ctx.write(|tx| async move {
            tx.execute_unprepared("SELECT 1 / 0").await?;
            Ok(())
        });
        assert!(failed.await.is_err());
        let slow = ctx.write(|tx| async move {
            tx.execute_unprepared("SELECT pg_sleep(5)").await?;
            Ok(())
        });
        let cut_off = tokio::time::timeout(std::time::Duration::from_millis(50), slow).await;
        assert!(cut_off.is_err());
        tenant.fleet.station(3).await;
    };
    futures_util::future::join_all(
        (0..12).map(|number| write(if number % 2 == 0 { &ours } else { &theirs })),
    )
    .await;
    let pool = app.node.app.db.writer().get_postgres_connection_pool().clone();
    let mut connections = Vec::new();
    for _ in 0..8 {
        connections.push(pool.acquire().await.unwrap());
    }
    for connection in &mut connections {
        let sql = "SELECT coalesce(current_setting('app.tenant_id', true), '')";
        let left: String =
            sea_orm::sqlx::query_scalar(sql).fetch_one(&mut **connection).await.unwrap();
        assert_eq!(left, "");
    }
}

#[rstest]
#[tokio::test]
async fn a_write_that_forgets_its_tenant_reaches_no_other(#[values(Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let (ours, theirs) = two(&app).await;
    let before = app.count("SELECT count(*) FROM vehicle WHERE number LIKE 'V%'").await;
    let changed = ours
        .fleet
        .system()
        .write(|tx| async move {
            Ok(tx
                .execute_unprepared("UPDATE vehicle SET number = 'X' || number")
                .await?
                .rows_affected())
        })
        .await
        .unwrap();
    let left = app.count("SELECT count(*) FROM vehicle WHERE number LIKE 'V%'").await;
    let id = literal(shape, &theirs.fleet.tenant.id.to_string());
    let other = app.count(&format!("SELECT count(*) FROM vehicle WHERE tenant_id = {id}")).await;
    assert_eq!((i64::try_from(changed).unwrap(), left), (before - other, other));
    app.assert_sound().await;
}

/// One role for everything, and nothing else configured: it owns the tables, and its writes are held all the same.
#[rstest]
#[tokio::test]
async fn the_owner_is_held_when_it_writes(#[values(Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let (ours, _theirs) = two(&app).await;
    let owner = app.place.roles.iter().find(|(key, _)| key.ends_with("MIGRATION_URL")).unwrap();
    let mut node = app.node.app.clone();
    node.db = Db::connect(&owner.1, 2).await.unwrap();
    let all = number(node.db.reader(), "SELECT count(*) FROM vehicle").await;
    let id = literal(shape, &ours.fleet.tenant.id.to_string());
    let own =
        number(node.db.reader(), &format!("SELECT count(*) FROM vehicle WHERE tenant_id = {id}"))
            .await;
    let count = |tx: service::write::Tx| async move {
        Ok(number(&*tx, "SELECT count(*) FROM vehicle").await)
    };
    let seen = node.system(ours.fleet.tenant.id, "test").write(count).await.unwrap();
    assert!(seen == own && own < all, "{seen} of {own} of {all}");
    let found = node.db.roles_in_use().await.unwrap();
    assert_eq!((found.unheld, found.blind.len()), (Some("it owns the tables"), 0));
}

#[rstest]
#[tokio::test]
async fn each_role_may_do_its_work_and_no_more(#[values(Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let _tenants = two(&app).await;
    assert_eq!(
        app.node.app.db.roles_in_use().await.unwrap(),
        service::db::roles::Findings::default()
    );
    let application = connect(&app.place.database_url, 1).await;
    let refused = |db: DatabaseConnection, sql: &'static str| async move {
        let error =
            db.execute_unprepared(sql).await.err().unwrap_or_else(|| panic!("{sql} was done"));
        let error = error.to_string();
        assert!(
            error.contains("permission denied") || error.contains("must be owner"),
            "{sql}: {error}"
        );
    };
    for sql in [
        "SET ROLE it_owner",
        "ALTER TABLE vehicle DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_tenant ON vehicle",
        "TRUNCATE vehicle",
        "CREATE TABLE mine (id INT)",
        "DELETE FROM seaql_migrations",
        "SELECT 1 FROM apalis.jobs",
    ] {
        refused(application.clone(), sql).await;
    }
    let scope = "SET app.scope = 'platform'";
    application.execute_unprepared(scope).await.unwrap();
    assert_eq!(
        number(&application, "SELECT count(*) FROM vehicle").await,
        0,
        "that scope is the owner's"
    );

    for (key, allowed, forbidden) in [
        ("READ_URL", "SELECT count(*) FROM vehicle", "UPDATE vehicle SET number = ''"),
        ("FEED_URL", "SELECT count(*) FROM event", "SELECT count(*) FROM vehicle"),
        ("WORKER_URL", "SELECT count(*) FROM stream_head", "SELECT count(*) FROM customer"),
    ] {
        let url = &app.place.roles.iter().find(|(name, _)| name.ends_with(key)).unwrap().1;
        let db = connect(url, 1).await;
        assert!(number(&db, allowed).await > 1, "{key}");
        refused(db, forbidden).await;
    }
}

/// With reads held too: everything works as before, and a read that forgets its tenant sees one.
#[rstest]
#[tokio::test]
async fn reads_can_be_held_as_well(#[values(Production)] shape: Shape) {
    let settings = [("BIKELEASE_DATABASE_RLS_READS", "true"), ("BIKELEASE_DATABASE_READ_URL", "")];
    let app = TestApp::start_with(shape, &settings).await;
    let (ours, theirs) = two(&app).await;
    let read = ours.fleet.system();
    let seen = number(read.reader(), "SELECT count(*) FROM vehicle").await;
    let id = literal(shape, &ours.fleet.tenant.id.to_string());
    let own = app.count(&format!("SELECT count(*) FROM vehicle WHERE tenant_id = {id}")).await;
    assert!(seen == own && own > 0 && own < app.count("SELECT count(*) FROM vehicle").await);
    assert!(read.reader().execute_unprepared("UPDATE vehicle SET number = ''").await.is_err());

    super::crowd::mix(&ours, &theirs).await;
    let login = app.anonymous(None);
    let input = json!({"tenant": ours.fleet.slug, "email": "nobody@example.test", "password": "correct horse"});
    assert_eq!(login.mutate("signIn", "accessToken", input).await.code(), "INVALID_CREDENTIALS");
    let blind = service::invariant::check(&app.node.app).await.unwrap_err();
    assert!(blind.is_defect(), "{blind:?}");
}

/// Nothing was there to be changed, or it is a table that nobody changes.
fn assert_untouched(change: Result<sea_orm::ExecResult, sea_orm::DbErr>, table: &str) {
    match change {
        Ok(done) => assert_eq!(done.rows_affected(), 0, "{table}"),
        Err(error) => assert!(error.to_string().contains("append-only"), "{table}: {error}"),
    }
}
