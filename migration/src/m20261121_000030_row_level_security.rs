//! A transaction on PostgreSQL sees and changes only the tenant that it has named; see `isolation`.

use sea_orm_migration::prelude::*;

use crate::isolation;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        isolation::secure(manager.get_connection()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        isolation::undo(manager.get_connection()).await
    }
}
