//! The audit log. The database itself takes new lines only: what is written stays as it is.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

const TABLE: &str = r#"
CREATE TABLE audit_entry (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    actor_kind TEXT NOT NULL CONSTRAINT audit_entry_actor_kind CHECK (actor_kind IN ('staff', 'partner', 'platform')),
    actor_id TEXT NOT NULL,
    role TEXT,
    address TEXT,
    user_agent TEXT,
    request_id TEXT,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    changes JSONB NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT audit_entry_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id)
);
CREATE INDEX audit_entry_by_time ON audit_entry (tenant_id, occurred_at);
CREATE INDEX audit_entry_by_actor ON audit_entry (tenant_id, actor_id, id);
CREATE INDEX audit_entry_by_action ON audit_entry (tenant_id, action, id);
CREATE INDEX audit_entry_by_kind ON audit_entry (tenant_id, subject_kind, id);
CREATE INDEX audit_entry_by_subject ON audit_entry (tenant_id, subject_id, id);
CREATE INDEX audit_entry_by_request ON audit_entry (tenant_id, request_id);
"#;

/// `ALWAYS`: also in a session that replays somebody else's changes, where triggers rest otherwise.
const POSTGRES: &str = r#"
CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_entry is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse();
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_append_only;
"#;

/// The third is for `INSERT OR REPLACE`, which deletes without asking a trigger of deletions.
const SQLITE: &str = r#"
CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry
BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END;
CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END;
CREATE TRIGGER audit_entry_no_replace BEFORE INSERT ON audit_entry
WHEN EXISTS (SELECT 1 FROM audit_entry WHERE tenant_id = NEW.tenant_id AND id = NEW.id)
    OR EXISTS (SELECT 1 FROM audit_entry WHERE rowid = NEW.rowid)
BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END;
"#;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::ddl::run(manager, TABLE).await?;
        crate::ddl::run(manager, if on_sqlite(manager) { SQLITE } else { POSTGRES }).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::ddl::run(manager, "DROP TABLE audit_entry;").await?;
        if on_sqlite(manager) {
            return Ok(());
        }
        crate::ddl::run(manager, "DROP FUNCTION audit_entry_refuse();").await
    }
}

fn on_sqlite(manager: &SchemaManager<'_>) -> bool {
    manager.get_connection().get_database_backend() == DbBackend::Sqlite
}
