//! Runs one DDL on both databases, with the few type names that differ replaced.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

/// As written for PostgreSQL, and what SQLite calls it. SQLite keeps times as RFC 3339 text, which sorts as time does.
const SQLITE_TYPES: &[(&str, &str)] = &[
    (" UUID", " BLOB"),
    (" TIMESTAMPTZ", " TEXT"),
    (" JSONB", " TEXT"),
    (" BYTEA", " BLOB"),
    (" DOUBLE PRECISION", " DOUBLE"),
];

pub async fn run(manager: &SchemaManager<'_>, statements: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let mut text = statements.to_owned();
    if connection.get_database_backend() == DbBackend::Sqlite {
        for (postgres, sqlite) in SQLITE_TYPES {
            text = text.replace(postgres, sqlite);
        }
    }
    connection.execute_unprepared(&text).await?;
    Ok(())
}

/// A migration that is two texts.
macro_rules! sql_migration {
    (up: $up:literal, down: $down:literal $(,)?) => {
        use sea_orm_migration::prelude::*;

        #[derive(DeriveMigrationName)]
        pub struct Migration;

        #[async_trait::async_trait]
        impl MigrationTrait for Migration {
            async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                crate::ddl::run(manager, $up).await
            }

            // SQLite changes its schema in transactions too: a killed migration leaves nothing half done.
            fn use_transaction(&self) -> Option<bool> {
                Some(true)
            }

            async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                crate::ddl::run(manager, $down).await
            }
        }
    };
}
pub(crate) use sql_migration;
