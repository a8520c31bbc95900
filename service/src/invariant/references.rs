//! Which table refers to which, as the database itself says: no row leads to one of another tenant.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::error::Result;

/// From one table's columns to another's, pair by pair.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    child: String,
    parent: String,
    columns: Vec<(String, String)>,
}

type Pairs = &'static [(&'static str, &'static str)];

/// References that are no foreign keys: what is written most often, or outlives what it tells of.
const WITHOUT_KEYS: [(&str, &str, Pairs); 5] = [
    ("event", "stream_head", &[("tenant_id", "tenant_id")]),
    ("consumer", "stream_head", &[("tenant_id", "tenant_id")]),
    ("idempotency", "stream_head", &[("tenant_id", "tenant_id")]),
    ("vehicle_event", "rental", &[("tenant_id", "tenant_id"), ("rental_id", "id")]),
    ("transfer", "payment", &[("tenant_id", "tenant_id"), ("payment_id", "id")]),
];

const OF_POSTGRES: &str = "SELECT f.conrelid::regclass::text AS child, f.confrelid::regclass::text AS parent,
        a.attname::text AS from_column, b.attname::text AS to_column, f.oid::text AS number
    FROM pg_constraint f CROSS JOIN LATERAL unnest(f.conkey, f.confkey) AS k (child, parent)
    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.child
    JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = k.parent
    WHERE f.contype = 'f' AND f.connamespace = current_schema()::regnamespace
        AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = f.conrelid AND t.attname = 'tenant_id')
    ORDER BY f.oid, k.child";
const OF_SQLITE: &str = r#"SELECT '"' || m.name || '"' AS child, '"' || f."table" || '"' AS parent,
        f."from" AS from_column, coalesce(f."to", 'id') AS to_column, m.name || f.id AS number
    FROM sqlite_master m, pragma_foreign_key_list(m.name) f
    WHERE m.type = 'table' AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) t WHERE t.name = 'tenant_id')
    ORDER BY m.name, f.id, f.seq"#;

pub(super) async fn all(db: &impl ConnectionTrait) -> Result<Vec<Reference>> {
    let backend = db.get_database_backend();
    let sql = if backend == DbBackend::Postgres { OF_POSTGRES } else { OF_SQLITE };
    let mut references: Vec<Reference> = WITHOUT_KEYS
        .iter()
        .map(|(child, parent, columns)| {
            let columns = columns.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            Reference { child: (*child).to_owned(), parent: (*parent).to_owned(), columns }
        })
        .collect();
    let mut last = String::new();
    for row in db.query_all_raw(Statement::from_string(backend, sql)).await? {
        let text = |name: &str| row.try_get::<String>("", name);
        let (number, pair) = (text("number")?, (text("from_column")?, text("to_column")?));
        match references.last_mut() {
            Some(reference) if number == last => reference.columns.push(pair),
            _ => {
                let (child, parent) = (text("child")?, text("parent")?);
                references.push(Reference { child, parent, columns: vec![pair] });
            }
        }
        last = number;
    }
    Ok(references)
}

impl Reference {
    /// Counts the rows whose reference leads nowhere within their tenant.
    pub fn dangling(&self) -> String {
        let Self { child, parent, columns } = self;
        let same: Vec<_> =
            columns.iter().map(|(from, to)| format!("p.\"{to}\" = c.\"{from}\"")).collect();
        let set: Vec<_> =
            columns.iter().map(|(from, _)| format!("c.\"{from}\" IS NOT NULL")).collect();
        let (same, set) = (same.join(" AND "), set.join(" AND "));
        format!(
            "SELECT count(*) FROM {child} c WHERE {set} AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE {same})"
        )
    }

    /// Whether it says whose row it means.
    pub fn carries_tenant(&self) -> bool {
        let unquoted = self.parent.trim_matches('"');
        let key = if unquoted == "tenant" { "id" } else { "tenant_id" };
        self.columns.iter().any(|(from, to)| from == "tenant_id" && to == key)
    }
}
