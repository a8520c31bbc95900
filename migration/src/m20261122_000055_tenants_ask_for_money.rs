//! What a tenant asks of its customers: a deposit before they ride, and not to owe too much.

crate::ddl::sql_migration! {
    up: r#"
ALTER TABLE tenant ADD COLUMN requires_deposit BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE tenant ADD COLUMN debt_limit_minor BIGINT CONSTRAINT tenant_debt_limit_positive CHECK (debt_limit_minor >= 0);
"#,
    down: r#"
ALTER TABLE tenant DROP COLUMN debt_limit_minor;
ALTER TABLE tenant DROP COLUMN requires_deposit;
"#,
}
