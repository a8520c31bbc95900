//! Rentals that did not happen here: brought in from another system's records.

crate::ddl::sql_migration! {
    up: r#"
ALTER TABLE rental ADD COLUMN imported_from TEXT
    CONSTRAINT rental_imported_is_over CHECK (imported_from IS NULL OR ended_at IS NOT NULL);
"#,
    down: "ALTER TABLE rental DROP COLUMN imported_from;",
}
