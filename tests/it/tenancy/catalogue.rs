//! The databases' own catalogues: a tenant's table has its tenant in every key that could lead to another's row.

use rstest::rstest;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use tests::{
    Shape::{self, Embedded, Production},
    TestApp,
};

/// Tables that belong to no tenant, and why.
const PLATFORM: &[(&str, &str)] = &[
    ("tenant", "the tenants themselves"),
    ("seaql_migrations", "which migrations are applied"),
    (
        "Jobs",
        "apalis' queue on SQLite; a job carries its tenant and enters it through `App::system`",
    ),
    ("Workers", "apalis' processes on SQLite"),
    ("_sqlx_migrations", "which of apalis' migrations are applied"),
];

/// Unique indexes of a tenant's table without the tenant, and why.
const UNIQUE_ACROSS_TENANTS: &[(&str, &str)] = &[];

/// One table as its database describes it.
#[derive(Debug)]
struct Table {
    name: String,
    /// None: it has no tenant.
    tenant_is_required: Option<bool>,
    primary: Vec<String>,
    /// Each with its name; exclusion constraints too.
    unique: Vec<(String, Vec<String>)>,
    foreign: Vec<Foreign>,
}

#[derive(Debug)]
struct Foreign {
    parent: String,
    from: Vec<String>,
    to: Vec<String>,
}

#[rstest]
#[tokio::test]
async fn every_key_of_a_tenants_table_has_the_tenant(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let tables = tables(app.admin().await, shape).await;
    let mut problems = Vec::new();
    for table in &tables {
        let name = &table.name;
        if PLATFORM.iter().any(|(platform, _)| platform == name) {
            continue;
        }
        if table.tenant_is_required != Some(true) {
            problems.push(format!("{name} has no tenant_id, or one that may be null"));
        }
        if table.primary.first().is_none_or(|first| first != "tenant_id") {
            problems.push(format!("the primary key of {name} does not begin with the tenant"));
        }
        for (index, columns) in &table.unique {
            let excepted = UNIQUE_ACROSS_TENANTS.iter().any(|(name, _)| name == index);
            if !excepted && !columns.iter().any(|column| column == "tenant_id") {
                problems.push(format!("{index} of {name} is unique across tenants: {columns:?}"));
            }
        }
        problems.extend(table.foreign.iter().filter_map(|foreign| foreign.problem(name)));
    }
    assert!(problems.is_empty(), "{problems:#?}");
    // A walk that sees nothing finds nothing.
    assert!(
        tables.len() > 15 && tables.iter().map(|table| table.foreign.len()).sum::<usize>() > 20
    );
}

/// The second net hangs under every table.
#[rstest]
#[tokio::test]
async fn every_tenants_table_is_held_by_its_rows(#[values(Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    let mut problems = Vec::new();
    for table in tables(admin, shape).await {
        let name = table.name;
        if table.tenant_is_required.is_none() {
            continue;
        }
        let secured = format!(
            "SELECT (relrowsecurity AND relforcerowsecurity)::text AS c FROM pg_class WHERE oid = 'public.\"{name}\"'::regclass"
        );
        if strings(admin, &secured).await != ["true"] {
            problems.push(format!("{name} has no row-level security, or not for its owner"));
        }
        let policies = format!(
            "SELECT concat_ws(' ', policyname, roles, cmd, qual, CASE WHEN with_check = qual THEN 'checked' ELSE with_check END) AS c
             FROM pg_policies WHERE schemaname = 'public' AND tablename = '{name}' ORDER BY policyname"
        );
        let policies = strings(admin, &policies).await;
        for needed in [OF_PLATFORM, OF_TENANT, READER] {
            if !policies.iter().any(|policy| policy == needed) {
                problems.push(format!("{name} lacks {needed}"));
            }
        }
        for policy in policies {
            if ![OF_PLATFORM, OF_TENANT, READER, FEED, WORKER].contains(&policy.as_str()) {
                problems.push(format!("{name} has {policy}"));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

const OF_PLATFORM: &str = "of_platform {it_owner} ALL (( SELECT current_setting('app.scope'::text, true) AS current_setting) = 'platform'::text) checked";
const OF_TENANT: &str = "of_tenant {public} ALL (tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS \"nullif\")) checked";
const READER: &str = "bikelease_reader {bikelease_reader} SELECT true";
const FEED: &str = "bikelease_feed {bikelease_feed} SELECT true";
const WORKER: &str = "bikelease_worker {bikelease_worker} SELECT true";

#[test]
fn exceptions_have_reasons() {
    for (name, reason) in PLATFORM.iter().chain(UNIQUE_ACROSS_TENANTS) {
        assert!(reason.len() > 15, "{name}");
    }
}

/// What the keys are for.
#[rstest]
#[tokio::test]
async fn the_database_itself_refuses_a_reference_across_tenants(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let (a, b) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let (ours, theirs) = (a.vehicle().await, b.station(3).await);
    let statement = format!(
        "UPDATE vehicle SET station_id = {} WHERE id = {}",
        literal(shape, &theirs),
        literal(shape, &ours)
    );
    let error = app.sql(&statement).await.unwrap_err().to_string().to_lowercase();
    assert!(error.contains("foreign key"), "{error}");
}

/// An id as SQL writes it.
pub fn literal(shape: Shape, id: &str) -> String {
    let digits = id.rsplit_once('_').unwrap().1;
    match shape {
        Embedded => format!("x'{digits}'"),
        Production => format!("'{digits}'"),
    }
}

impl Foreign {
    fn problem(&self, table: &str) -> Option<String> {
        let tenant = |columns: &[String]| columns.iter().position(|column| column == "tenant_id");
        let (from, to) = (tenant(&self.from), tenant(&self.to));
        let carried = match self.parent.as_str() {
            "tenant" => from.is_some() && self.to == ["id"],
            _ => from.is_some() && from == to,
        };
        (!carried)
            .then(|| format!("{table} refers to {} without the tenant: {self:?}", self.parent))
    }
}

async fn tables(db: &DatabaseConnection, shape: Shape) -> Vec<Table> {
    let names = match shape {
        Embedded => {
            "SELECT name AS c FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        }
        Production => "SELECT tablename::text AS c FROM pg_tables WHERE schemaname = 'public'",
    };
    let mut tables = Vec::new();
    for name in strings(db, names).await {
        let [tenant, primary, unique, foreign] = match shape {
            Embedded => of_sqlite(&name),
            Production => of_postgres(&name),
        };
        let parts = |line: String| -> Vec<Vec<String>> {
            line.split('|').map(|part| part.split(',').map(ToOwned::to_owned).collect()).collect()
        };
        let unique = strings(db, &unique).await.into_iter().map(parts);
        let foreign = strings(db, &foreign).await.into_iter().map(parts);
        tables.push(Table {
            tenant_is_required: strings(db, &tenant).await.first().map(|required| required == "1"),
            primary: strings(db, &primary).await,
            unique: unique.map(|mut parts| (parts.remove(0).remove(0), parts.remove(0))).collect(),
            foreign: foreign
                .map(|mut parts| Foreign {
                    parent: parts.remove(0).remove(0),
                    from: parts.remove(0),
                    to: parts.remove(0),
                })
                .collect(),
            name,
        });
    }
    tables
}

/// Whether the tenant is required, the columns of the primary key, unique indexes, foreign keys.
fn of_sqlite(table: &str) -> [String; 4] {
    [
        format!("SELECT CAST(\"notnull\" AS TEXT) AS c FROM pragma_table_info('{table}') WHERE name = 'tenant_id'"),
        format!("SELECT name AS c FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk"),
        format!(
            "SELECT l.name || '|' || (SELECT group_concat(coalesce(name, '?')) FROM pragma_index_info(l.name)) AS c
             FROM pragma_index_list('{table}') l WHERE l.\"unique\" AND l.origin <> 'pk'"
        ),
        format!(
            "SELECT \"table\" || '|' || group_concat(\"from\") || '|' || group_concat(coalesce(\"to\", '?')) AS c
             FROM pragma_foreign_key_list('{table}') GROUP BY id"
        ),
    ]
}

fn of_postgres(table: &str) -> [String; 4] {
    let table = format!("'public.\"{table}\"'::regclass");
    let columns = |keys: &str, table: &str| {
        format!(
            "(SELECT string_agg(coalesce(a.attname::text, '?'), ',' ORDER BY k.n) FROM unnest({keys}) WITH ORDINALITY k(att, n)
             LEFT JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.att)"
        )
    };
    let (index, from, to) = (
        columns("x.indkey", "x.indrelid"),
        columns("f.conkey", "f.conrelid"),
        columns("f.confkey", "f.confrelid"),
    );
    [
        format!(
            "SELECT attnotnull::int::text AS c FROM pg_attribute WHERE attrelid = {table} AND attname = 'tenant_id'"
        ),
        format!(
            "SELECT a.attname::text AS c FROM pg_index x CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY k(att, n)
             JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.att
             WHERE x.indisprimary AND x.indrelid = {table} ORDER BY k.n"
        ),
        format!(
            "SELECT i.relname || '|' || {index} AS c FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
             WHERE (x.indisunique OR x.indisexclusion) AND NOT x.indisprimary AND x.indrelid = {table}"
        ),
        format!(
            "SELECT p.relname || '|' || {from} || '|' || {to} AS c FROM pg_constraint f JOIN pg_class p ON p.oid = f.confrelid
             WHERE f.contype = 'f' AND f.conrelid = {table}"
        ),
    ]
}

async fn strings(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(db.get_database_backend(), sql.to_owned());
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get("", "c").unwrap()).collect()
}
