#![doc = include_str!("../README.md")]

mod ddl;
pub mod isolation;
mod m20261120_000001_create_tenant;
mod m20261120_000002_create_customer_and_user;
mod m20261120_000003_create_tariff;
mod m20261120_000004_create_fleet;
mod m20261120_000005_create_rental;
mod m20261120_000006_create_event;
mod m20261120_000007_create_idempotency;
mod m20261121_000008_mark_imported_rentals;
mod m20261121_000009_find_revoked_sessions;
mod m20261121_000010_identity;
mod m20261121_000011_codes_and_invitations;
mod m20261121_000015_create_audit;
mod m20261121_000020_create_partner;
mod m20261121_000030_row_level_security;
mod m20261122_000050_create_payment;
mod m20261122_000060_create_receipt;

use sea_orm_migration::MigrationTrait;
pub use sea_orm_migration::{MigrationStatus, MigratorTrait};

pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261120_000001_create_tenant::Migration),
            Box::new(m20261120_000002_create_customer_and_user::Migration),
            Box::new(m20261120_000003_create_tariff::Migration),
            Box::new(m20261120_000004_create_fleet::Migration),
            Box::new(m20261120_000005_create_rental::Migration),
            Box::new(m20261120_000006_create_event::Migration),
            Box::new(m20261120_000007_create_idempotency::Migration),
            Box::new(m20261121_000008_mark_imported_rentals::Migration),
            Box::new(m20261121_000009_find_revoked_sessions::Migration),
            Box::new(m20261121_000010_identity::Migration),
            Box::new(m20261121_000011_codes_and_invitations::Migration),
            Box::new(m20261121_000015_create_audit::Migration),
            Box::new(m20261121_000020_create_partner::Migration),
            Box::new(m20261121_000030_row_level_security::Migration),
            Box::new(m20261122_000050_create_payment::Migration),
            Box::new(m20261122_000060_create_receipt::Migration),
        ]
    }
}
