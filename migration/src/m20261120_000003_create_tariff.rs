//! Prices.

crate::ddl::sql_migration! {
    up: r#"
CREATE TABLE tariff (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    terms JSONB NOT NULL,
    is_default BOOLEAN NOT NULL,
    archived_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT tariff_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id)
);
-- A rental that names no tariff, of a vehicle whose type has none, gets this one.
CREATE UNIQUE INDEX tariff_one_default ON tariff (tenant_id) WHERE is_default;
CREATE INDEX tariff_by_name ON tariff (tenant_id, name, id);
"#,
    down: "DROP TABLE tariff;",
}
