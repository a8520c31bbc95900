//! Sessions that ended before their time, for nodes that ask each second which did so lately.

crate::ddl::sql_migration! {
    up: r#"
CREATE INDEX session_by_revocation ON session (revoked_at) WHERE revoked_at IS NOT NULL;
"#,
    down: "DROP INDEX session_by_revocation;",
}
