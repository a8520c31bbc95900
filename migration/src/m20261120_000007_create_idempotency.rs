//! First answers to requests that may come twice.

crate::ddl::sql_migration! {
    up: r#"
CREATE TABLE idempotency (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    principal TEXT NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    input_sha256 BYTEA NOT NULL,
    answer TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT idempotency_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id)
);
CREATE UNIQUE INDEX idempotency_key ON idempotency (tenant_id, principal, operation, key);
"#,
    down: "DROP TABLE idempotency;",
}
