//! The ledger. Transfers are only ever added; what rentals came to before there was a ledger is booked as it would have been.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

const TABLES: &str = r#"
CREATE TABLE account (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    currency TEXT NOT NULL,
    holder TEXT NOT NULL,
    customer_id UUID,
    debits_posted BIGINT NOT NULL,
    credits_posted BIGINT NOT NULL,
    debits_pending BIGINT NOT NULL,
    credits_pending BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT account_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id),
    CONSTRAINT account_customer FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id),
    CONSTRAINT account_of_customer CHECK (
        (kind IN ('customer_wallet', 'deposits_held', 'customer_receivable')) = (customer_id IS NOT NULL)
    ),
    -- The upper bound is 2^62 - 1: two such sums still fit into 64 bits, beyond which SQLite goes on with floats.
    CONSTRAINT account_sums CHECK (
        debits_posted BETWEEN 0 AND 4611686018427387903 AND credits_posted BETWEEN 0 AND 4611686018427387903
        AND debits_pending BETWEEN 0 AND 4611686018427387903 AND credits_pending BETWEEN 0 AND 4611686018427387903
    ),
    -- The guard behind `INSUFFICIENT_FUNDS`.
    CONSTRAINT account_no_overdraft CHECK (
        kind NOT IN ('customer_wallet', 'deposits_held') OR debits_posted + debits_pending <= credits_posted
    )
);
CREATE UNIQUE INDEX account_name ON account (tenant_id, kind, currency, holder);
-- What transfers refer to: no transfer has an account of another currency.
CREATE UNIQUE INDEX account_currency ON account (tenant_id, id, currency);
CREATE INDEX account_by_customer ON account (tenant_id, customer_id) WHERE customer_id IS NOT NULL;

CREATE TABLE transfer (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    reference TEXT NOT NULL,
    group_id UUID NOT NULL,
    kind TEXT NOT NULL,
    phase TEXT NOT NULL,
    pending_id UUID,
    debit_account_id UUID NOT NULL,
    credit_account_id UUID NOT NULL,
    amount_minor BIGINT NOT NULL CONSTRAINT transfer_amount_positive CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    customer_id UUID,
    rental_id UUID,
    payment_id UUID,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT transfer_debit FOREIGN KEY (tenant_id, debit_account_id, currency) REFERENCES account (tenant_id, id, currency),
    CONSTRAINT transfer_credit FOREIGN KEY (tenant_id, credit_account_id, currency) REFERENCES account (tenant_id, id, currency),
    CONSTRAINT transfer_pending FOREIGN KEY (tenant_id, pending_id) REFERENCES transfer (tenant_id, id),
    CONSTRAINT transfer_customer FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id),
    CONSTRAINT transfer_rental FOREIGN KEY (tenant_id, rental_id) REFERENCES rental (tenant_id, id),
    CONSTRAINT transfer_two_accounts CHECK (debit_account_id <> credit_account_id),
    CONSTRAINT transfer_phase_known CHECK (phase IN ('single', 'pending', 'posted', 'voided', 'expired')),
    CONSTRAINT transfer_ends_a_pending_one CHECK ((phase IN ('posted', 'voided', 'expired')) = (pending_id IS NOT NULL))
);
CREATE UNIQUE INDEX transfer_reference ON transfer (tenant_id, reference);
-- A pending transfer is resolved once.
CREATE UNIQUE INDEX transfer_resolved_once ON transfer (tenant_id, pending_id) WHERE pending_id IS NOT NULL;
CREATE INDEX transfer_by_time ON transfer (tenant_id, created_at, id);
CREATE INDEX transfer_by_debit ON transfer (tenant_id, debit_account_id, created_at, id);
CREATE INDEX transfer_by_credit ON transfer (tenant_id, credit_account_id, created_at, id);
CREATE INDEX transfer_by_customer ON transfer (tenant_id, customer_id, created_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX transfer_by_rental ON transfer (tenant_id, rental_id, id) WHERE rental_id IS NOT NULL;
CREATE INDEX transfer_by_payment ON transfer (tenant_id, payment_id, id) WHERE payment_id IS NOT NULL;
"#;

/// `ALWAYS`: also in a session that replays somebody else's changes, where triggers rest otherwise.
const POSTGRES: &str = r#"
CREATE FUNCTION transfer_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'transfer is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer
    FOR EACH STATEMENT EXECUTE FUNCTION transfer_refuse();
ALTER TABLE transfer ENABLE ALWAYS TRIGGER transfer_append_only;

CREATE FUNCTION transfer_fits_pending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM transfer p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.pending_id AND p.phase = 'pending'
            AND p.debit_account_id = NEW.debit_account_id AND p.credit_account_id = NEW.credit_account_id
            AND p.amount_minor >= NEW.amount_minor AND (NEW.phase = 'posted' OR p.amount_minor = NEW.amount_minor)
    ) THEN
        RAISE EXCEPTION 'transfer does not fit the pending one' USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_fits_pending';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER transfer_fits_pending BEFORE INSERT ON transfer
    FOR EACH ROW WHEN (NEW.pending_id IS NOT NULL) EXECUTE FUNCTION transfer_fits_pending();
"#;

/// The last three are for `INSERT OR REPLACE`, which deletes without asking a trigger of deletions; two of them say what the
/// index would.
const SQLITE: &str = r#"
CREATE TRIGGER transfer_no_update BEFORE UPDATE ON transfer
BEGIN SELECT RAISE(ABORT, 'transfer is append-only'); END;
CREATE TRIGGER transfer_no_delete BEFORE DELETE ON transfer
BEGIN SELECT RAISE(ABORT, 'transfer is append-only'); END;
CREATE TRIGGER transfer_fits_pending BEFORE INSERT ON transfer
WHEN NEW.pending_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM transfer p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.pending_id AND p.phase = 'pending'
        AND p.debit_account_id = NEW.debit_account_id AND p.credit_account_id = NEW.credit_account_id
        AND p.amount_minor >= NEW.amount_minor AND (NEW.phase = 'posted' OR p.amount_minor = NEW.amount_minor)
)
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: transfer_fits_pending'); END;
CREATE TRIGGER transfer_no_replace BEFORE INSERT ON transfer
WHEN EXISTS (SELECT 1 FROM transfer WHERE tenant_id = NEW.tenant_id AND id = NEW.id)
    OR EXISTS (SELECT 1 FROM transfer WHERE rowid = NEW.rowid)
BEGIN SELECT RAISE(ABORT, 'transfer is append-only'); END;
CREATE TRIGGER transfer_no_second_resolution BEFORE INSERT ON transfer
WHEN EXISTS (SELECT 1 FROM transfer WHERE tenant_id = NEW.tenant_id AND pending_id = NEW.pending_id)
BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: transfer.tenant_id, transfer.pending_id'); END;
CREATE TRIGGER transfer_no_second_reference BEFORE INSERT ON transfer
WHEN EXISTS (SELECT 1 FROM transfer WHERE tenant_id = NEW.tenant_id AND reference = NEW.reference)
BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: transfer.tenant_id, transfer.reference'); END;
"#;

/// The lines of rentals that ended here before: each id becomes a transfer's, the rental's the group's.
const BOOK: &str = r#"
CREATE VIEW charge AS SELECT l.tenant_id, l.id, l.position, l.amount_minor, r.id AS rental_id, r.customer_id, r.currency, r.ended_at,
    CUSTOMER_HEX AS customer_hex, RENTAL_HEX AS rental_hex,
    CASE l.kind WHEN 'cap' THEN 'discounts' WHEN 'tax' THEN 'tax' ELSE 'revenue_' || l.kind END AS kind
FROM price_line l JOIN rental r ON r.tenant_id = l.tenant_id AND r.id = l.rental_id
WHERE r.state = 'ended' AND r.imported_from IS NULL AND l.amount_minor <> 0;

INSERT INTO account (tenant_id, id, kind, currency, holder, customer_id, debits_posted, credits_posted, debits_pending, credits_pending, created_at)
SELECT tenant_id, NEW_ID, 'customer_receivable', currency, 'customer_' || customer_hex, customer_id,
    sum(CASE WHEN amount_minor > 0 THEN amount_minor ELSE 0 END), sum(CASE WHEN amount_minor < 0 THEN -amount_minor ELSE 0 END),
    0, 0, min(ended_at)
FROM charge GROUP BY tenant_id, customer_id, customer_hex, currency;

INSERT INTO account (tenant_id, id, kind, currency, holder, customer_id, debits_posted, credits_posted, debits_pending, credits_pending, created_at)
SELECT tenant_id, NEW_ID, kind, currency, '', NULL,
    sum(CASE WHEN amount_minor < 0 THEN -amount_minor ELSE 0 END), sum(CASE WHEN amount_minor > 0 THEN amount_minor ELSE 0 END),
    0, 0, min(ended_at)
FROM charge GROUP BY tenant_id, kind, currency;

INSERT INTO transfer (tenant_id, id, reference, group_id, kind, phase, debit_account_id, credit_account_id, amount_minor, currency,
    customer_id, rental_id, created_at)
SELECT c.tenant_id, c.id, 'rental:' || c.rental_hex || ':' || c.position, c.rental_id, 'charge', 'single',
    CASE WHEN c.amount_minor > 0 THEN owed.id ELSE earned.id END, CASE WHEN c.amount_minor > 0 THEN earned.id ELSE owed.id END,
    abs(c.amount_minor), c.currency, c.customer_id, c.rental_id, c.ended_at
FROM charge c
JOIN account owed ON owed.tenant_id = c.tenant_id AND owed.kind = 'customer_receivable' AND owed.currency = c.currency
    AND owed.customer_id = c.customer_id
JOIN account earned ON earned.tenant_id = c.tenant_id AND earned.kind = c.kind AND earned.currency = c.currency AND earned.holder = '';

DROP VIEW charge;
"#;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::ddl::run(manager, TABLES).await?;
        let words = if on_sqlite(manager) {
            crate::ddl::run(manager, SQLITE).await?;
            ["randomblob(16)", "lower(hex(r.customer_id))", "lower(hex(r.id))"]
        } else {
            crate::ddl::run(manager, POSTGRES).await?;
            [
                "gen_random_uuid()",
                "encode(uuid_send(r.customer_id), 'hex')",
                "encode(uuid_send(r.id), 'hex')",
            ]
        };
        let names = ["NEW_ID", "CUSTOMER_HEX", "RENTAL_HEX"];
        let book = names.iter().zip(words);
        let book = book.fold(BOOK.to_owned(), |book, (name, word)| book.replace(name, word));
        crate::ddl::run(manager, &book).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::ddl::run(manager, "DROP TABLE transfer; DROP TABLE account;").await?;
        if on_sqlite(manager) {
            return Ok(());
        }
        let functions = "DROP FUNCTION transfer_refuse(); DROP FUNCTION transfer_fits_pending();";
        crate::ddl::run(manager, functions).await
    }
}

fn on_sqlite(manager: &SchemaManager<'_>) -> bool {
    manager.get_connection().get_database_backend() == DbBackend::Sqlite
}
