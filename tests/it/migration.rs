//! Migrations: up, down and up again, and then the tables are what the entities say.

use entity::{
    api_client, api_key, audit, consumer, customer, event, idempotency, manifest, operation,
    price_line, receipt, receipt_counter, rental, session, station, stream_head, tariff, tenant,
    user, vehicle, vehicle_event, vehicle_type,
};
use migration::{Migrator, MigratorTrait};
use rstest::rstest;
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait, IdenStatic, Iterable, Statement};
use service::{db::Db, error::Constraint};
use tests::Shape::{self, Embedded, Production};

#[rstest]
#[tokio::test]
async fn up_down_up_ends_where_the_entities_are(#[values(Embedded, Production)] shape: Shape) {
    let db = Db::connect(&shape.empty().await, 2).await.unwrap();
    Migrator::up(db.writer(), None).await.unwrap();
    Migrator::down(db.writer(), None).await.unwrap();
    assert_eq!(tables(&db, shape).await, ["seaql_migrations"]);
    Migrator::up(db.writer(), None).await.unwrap();

    columns::<tenant::Entity>(db.writer(), shape).await;
    columns::<user::Entity>(db.writer(), shape).await;
    columns::<session::Entity>(db.writer(), shape).await;
    columns::<customer::Entity>(db.writer(), shape).await;
    columns::<tariff::Entity>(db.writer(), shape).await;
    columns::<vehicle_type::Entity>(db.writer(), shape).await;
    columns::<station::Entity>(db.writer(), shape).await;
    columns::<vehicle::Entity>(db.writer(), shape).await;
    columns::<vehicle_event::Entity>(db.writer(), shape).await;
    columns::<rental::Entity>(db.writer(), shape).await;
    columns::<price_line::Entity>(db.writer(), shape).await;
    columns::<event::Entity>(db.writer(), shape).await;
    columns::<stream_head::Entity>(db.writer(), shape).await;
    columns::<consumer::Entity>(db.writer(), shape).await;
    columns::<idempotency::Entity>(db.writer(), shape).await;
    columns::<audit::Entity>(db.writer(), shape).await;
    columns::<api_client::Entity>(db.writer(), shape).await;
    columns::<api_key::Entity>(db.writer(), shape).await;
    columns::<manifest::Entity>(db.writer(), shape).await;
    columns::<operation::Entity>(db.writer(), shape).await;
    columns::<receipt::Entity>(db.writer(), shape).await;
    columns::<receipt_counter::Entity>(db.writer(), shape).await;
    assert_eq!(tables(&db, shape).await.len(), 30);
}

/// What refusals are mapped from must exist under these names, over these columns.
#[rstest]
#[tokio::test]
async fn every_constraint_is_in_the_catalogue(#[values(Embedded, Production)] shape: Shape) {
    let db = Db::connect(&shape.empty().await, 2).await.unwrap();
    Migrator::up(db.writer(), None).await.unwrap();
    let constraints: [Constraint; 7] = [
        service::rental::ONE_OPEN_PER_VEHICLE,
        service::vehicle::NUMBER,
        service::station::SHORT_CODE,
        service::customer::EMAIL,
        service::user::EMAIL,
        service::tenant::SLUG,
        service::partner::key::TWO_LIVE,
    ];
    for constraint in constraints {
        let found: Vec<String> = match shape {
            Embedded => {
                let sql = format!(
                    "SELECT m.tbl_name || '.' || i.name AS c FROM sqlite_master m, pragma_index_info(m.name) i
                     WHERE m.type = 'index' AND m.name = '{}' ORDER BY i.seqno",
                    constraint.name
                );
                strings(db.writer(), &sql).await
            }
            Production => {
                let sql = format!(
                    "SELECT t.relname || '.' || a.attname AS c FROM pg_class i
                     JOIN pg_index x ON x.indexrelid = i.oid AND x.indisunique
                     JOIN pg_class t ON t.oid = x.indrelid
                     CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k(attnum, position)
                     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
                     WHERE i.relname = '{}' ORDER BY k.position",
                    constraint.name
                );
                strings(db.writer(), &sql).await
            }
        };
        assert_eq!(found.join(", "), constraint.columns, "{}", constraint.name);
    }
}

async fn columns<E: EntityTrait>(db: &DatabaseConnection, shape: Shape) {
    let table = E::default().table_name().to_owned();
    let sql = match shape {
        Embedded => format!("SELECT name AS c FROM pragma_table_info('{table}') ORDER BY name"),
        Production => format!(
            "SELECT column_name::text AS c FROM information_schema.columns WHERE table_schema = 'public'
             AND table_name = '{table}' ORDER BY column_name"
        ),
    };
    let mut declared: Vec<String> =
        E::Column::iter().map(|column| column.as_str().to_owned()).collect();
    declared.sort();
    let mut found = strings(db, &sql).await;
    found.sort();
    assert_eq!(found, declared, "{table}");
}

async fn tables(db: &Db, shape: Shape) -> Vec<String> {
    let sql = match shape {
        Embedded => {
            "SELECT name AS c FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        }
        Production => {
            "SELECT tablename::text AS c FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        }
    };
    strings(db.writer(), sql).await
}

async fn strings(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(db.get_database_backend(), sql.to_owned());
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get("", "c").unwrap()).collect()
}
