//! What PostgreSQL's roles may do: whether row-level security holds, and whether everybody sees what they work on.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use super::{Begin, Db};

/// What an operator should know of the roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Why row-level security does not hold the application.
    pub unheld: Option<&'static str>,
    /// The addresses whose role does not see the tenants' rows that its work needs.
    pub blind: Vec<&'static str>,
}

impl Db {
    pub async fn roles_in_use(&self) -> Result<Findings, DbErr> {
        if self.backend() != DbBackend::Postgres {
            return Ok(Findings::default());
        }
        let reader = (!self.scoped_reads).then_some(("database_read_url", &self.reader));
        let others = [("database_feed_url", &self.feed), ("database_worker_url", &self.worker)];
        let mut blind = Vec::new();
        for (key, connection) in reader.into_iter().chain(others) {
            if is_blind(connection).await? {
                blind.push(key);
            }
        }
        Ok(Findings { unheld: unheld(&self.writer).await?, blind })
    }

    /// For work on all tenants at once that must not take what it may not see for what is not there.
    pub(crate) async fn reads_every_tenant(&self) -> Result<bool, DbErr> {
        Ok(matches!(self.begin, Begin::Turns(_)) || !is_blind(&self.reader).await?)
    }
}

/// Every tenant has a stream.
async fn is_blind(connection: &DatabaseConnection) -> Result<bool, DbErr> {
    let sql = "SELECT EXISTS (SELECT FROM tenant) AND NOT EXISTS (SELECT FROM stream_head)";
    flag(connection, sql).await
}

async fn unheld(connection: &DatabaseConnection) -> Result<Option<&'static str>, DbErr> {
    let bypasses = "SELECT coalesce(bool_or(rolsuper OR rolbypassrls), false) FROM pg_roles WHERE rolname = current_user";
    if flag(connection, bypasses).await? {
        return Ok(Some("it is a superuser, or has BYPASSRLS"));
    }
    let owns =
        "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'stream_head'::regclass";
    Ok(flag(connection, owns).await?.then_some("it owns the tables"))
}

async fn flag(connection: &DatabaseConnection, sql: &str) -> Result<bool, DbErr> {
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    row.map_or(Ok(false), |row| row.try_get_by_index(0))
}
