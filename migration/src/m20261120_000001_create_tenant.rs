//! Operators.

crate::ddl::sql_migration! {
    up: r#"
CREATE TABLE tenant (
    id UUID NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    currency TEXT NOT NULL,
    publishes_board BOOLEAN NOT NULL,
    grace_seconds INTEGER NOT NULL CONSTRAINT tenant_grace_not_negative CHECK (grace_seconds >= 0),
    rental_limit INTEGER NOT NULL CONSTRAINT tenant_rental_limit_positive CHECK (rental_limit > 0),
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX tenant_slug ON tenant (slug);
"#,
    down: "DROP TABLE tenant;",
}
