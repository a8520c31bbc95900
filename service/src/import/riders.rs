//! Customers of the records, who know no names: one for each rider type and home ZIP code.

use std::collections::BTreeSet;

use entity::customer::{ActiveModel, Entity};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

pub(crate) use super::ids::customer as id;
use crate::{
    bayarea::{Rider, RiderType},
    ctx::Ctx,
    error::Result,
};

/// Each of them stands for many people, who ride at the same time.
const RENTAL_LIMIT: i32 = 1_000;
const AT_ONCE: usize = 500;

/// Gives how many are new.
pub(crate) async fn add_missing(ctx: &Ctx, riders: &BTreeSet<Rider>) -> Result<u64> {
    let riders: Vec<_> = riders.iter().copied().collect();
    let mut added = 0;
    for some in riders.chunks(AT_ONCE) {
        added += ctx
            .write(|tx| async move {
                let rows = some.iter().map(|rider| ActiveModel {
                    tenant_id: Set(tx.tenant()),
                    id: Set(id(*rider)),
                    name: Set(name(*rider)),
                    email: Set(None),
                    phone: Set(None),
                    blocked_at: Set(None),
                    rental_limit: Set(Some(RENTAL_LIMIT)),
                    archived_at: Set(None),
                    created_at: Set(tx.now()),
                    updated_at: Set(tx.now()),
                });
                let insert = Entity::insert_many(rows).on_conflict(nothing());
                Ok(insert.exec_without_returning(&*tx).await?)
            })
            .await?;
    }
    Ok(added)
}

/// What is there already stays as it is.
pub(super) fn nothing() -> OnConflict {
    OnConflict::new().do_nothing().to_owned()
}

fn name(rider: Rider) -> String {
    let who = match rider.kind {
        RiderType::Subscriber => "Members",
        RiderType::Customer => "Casual riders",
    };
    match rider.zip {
        Some(zip) => format!("{who} from {zip:05}"),
        None => format!("{who} from elsewhere"),
    }
}
