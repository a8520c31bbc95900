//! Receipts and their numbers. The database itself takes new receipts only: what is written stays as it is.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

const TABLES: &str = r#"
CREATE TABLE receipt_counter (
    tenant_id UUID NOT NULL,
    year INTEGER NOT NULL,
    last_seq BIGINT NOT NULL CONSTRAINT receipt_counter_positive CHECK (last_seq > 0),
    PRIMARY KEY (tenant_id, year),
    CONSTRAINT receipt_counter_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id)
);

CREATE TABLE receipt (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    number TEXT NOT NULL,
    year INTEGER NOT NULL,
    seq BIGINT NOT NULL CONSTRAINT receipt_seq_positive CHECK (seq > 0),
    kind TEXT NOT NULL,
    payment_id UUID NOT NULL,
    refund_id UUID,
    round INTEGER NOT NULL,
    original_number TEXT,
    customer_id UUID NOT NULL,
    rental_id UUID,
    issued_at TIMESTAMPTZ NOT NULL,
    time_zone TEXT NOT NULL,
    currency TEXT NOT NULL,
    total_minor BIGINT NOT NULL,
    tax_minor BIGINT NOT NULL,
    taxes JSONB NOT NULL,
    description TEXT NOT NULL,
    lines JSONB NOT NULL,
    seller JSONB NOT NULL,
    buyer JSONB NOT NULL,
    provider TEXT NOT NULL,
    provider_reference TEXT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT receipt_counted FOREIGN KEY (tenant_id, year) REFERENCES receipt_counter (tenant_id, year),
    CONSTRAINT receipt_of_payment FOREIGN KEY (tenant_id, payment_id) REFERENCES payment (tenant_id, id),
    CONSTRAINT receipt_of_refund FOREIGN KEY (tenant_id, refund_id) REFERENCES refund (tenant_id, id),
    CONSTRAINT receipt_of_customer FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id),
    CONSTRAINT receipt_of_rental FOREIGN KEY (tenant_id, rental_id) REFERENCES rental (tenant_id, id),
    CONSTRAINT receipt_kind_known CHECK (kind IN ('payment', 'refund', 'reversal', 'reinstatement')),
    CONSTRAINT receipt_provider_known CHECK (provider IN ('demo', 'stripe', 'mpesa', 'bank_api', 'cash', 'wallet')),
    CONSTRAINT receipt_refund_named CHECK ((kind = 'refund') = (refund_id IS NOT NULL)),
    CONSTRAINT receipt_original_named CHECK ((kind = 'payment') = (original_number IS NULL)),
    CONSTRAINT receipt_round_counted CHECK ((kind IN ('payment', 'refund')) = (round = 0) AND round >= 0),
    CONSTRAINT receipt_sign CHECK (
        CASE kind WHEN 'payment' THEN total_minor > 0 AND tax_minor BETWEEN 0 AND total_minor
                  WHEN 'reinstatement' THEN tax_minor BETWEEN 0 AND total_minor
                  WHEN 'refund' THEN total_minor < 0 AND tax_minor BETWEEN total_minor AND 0
                  ELSE tax_minor BETWEEN total_minor AND 0 END
    )
);
CREATE UNIQUE INDEX receipt_number ON receipt (tenant_id, year, seq);
-- One for each payment, and one for each time it was taken back or came again.
CREATE UNIQUE INDEX receipt_one_per_payment ON receipt (tenant_id, payment_id, kind, round) WHERE refund_id IS NULL;
CREATE UNIQUE INDEX receipt_one_per_refund ON receipt (tenant_id, refund_id) WHERE refund_id IS NOT NULL;
CREATE INDEX receipt_by_payment ON receipt (tenant_id, payment_id, id);
CREATE INDEX receipt_by_rental ON receipt (tenant_id, rental_id) WHERE rental_id IS NOT NULL;
CREATE INDEX receipt_by_customer ON receipt (tenant_id, customer_id, issued_at, id);
CREATE INDEX receipt_by_issue ON receipt (tenant_id, issued_at, id);
"#;

/// `ALWAYS`: also in a session that replays somebody else's changes, where triggers rest otherwise.
const POSTGRES: &str = r#"
CREATE FUNCTION receipt_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'receipt is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER receipt_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt
    FOR EACH STATEMENT EXECUTE FUNCTION receipt_refuse();
ALTER TABLE receipt ENABLE ALWAYS TRIGGER receipt_append_only;
"#;

/// The third is for `INSERT OR REPLACE`, which deletes what has the same key, without asking a trigger of deletions.
const SQLITE: &str = r#"
CREATE TRIGGER receipt_no_update BEFORE UPDATE ON receipt
BEGIN SELECT RAISE(ABORT, 'receipt is append-only'); END;
CREATE TRIGGER receipt_no_delete BEFORE DELETE ON receipt
BEGIN SELECT RAISE(ABORT, 'receipt is append-only'); END;
CREATE TRIGGER receipt_no_replace BEFORE INSERT ON receipt
WHEN EXISTS (SELECT 1 FROM receipt WHERE tenant_id = NEW.tenant_id AND id = NEW.id)
    OR EXISTS (SELECT 1 FROM receipt WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM receipt WHERE tenant_id = NEW.tenant_id AND year = NEW.year AND seq = NEW.seq)
    OR EXISTS (SELECT 1 FROM receipt WHERE tenant_id = NEW.tenant_id AND refund_id = NEW.refund_id)
    OR EXISTS (SELECT 1 FROM receipt WHERE tenant_id = NEW.tenant_id AND payment_id = NEW.payment_id AND kind = NEW.kind
        AND round = NEW.round AND refund_id IS NULL AND NEW.refund_id IS NULL)
BEGIN SELECT RAISE(ABORT, 'receipt is append-only'); END;
"#;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::ddl::run(manager, TABLES).await?;
        crate::ddl::run(manager, if on_sqlite(manager) { SQLITE } else { POSTGRES }).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::ddl::run(manager, "DROP TABLE receipt; DROP TABLE receipt_counter;").await?;
        if on_sqlite(manager) {
            return Ok(());
        }
        crate::ddl::run(manager, "DROP FUNCTION receipt_refuse();").await
    }
}

fn on_sqlite(manager: &SchemaManager<'_>) -> bool {
    manager.get_connection().get_database_backend() == DbBackend::Sqlite
}
