//! The demo's tenant, and those who sign in to it.

use entity::{
    customer::{self, CustomerId},
    money::Currency,
    stream_head, tenant,
    user::{self, Role},
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::{LOGINS, Login, TENANT};
use crate::{
    error::{Error, OnConstraint, Result},
    event::{Event, epoch},
    refusal::Refusal,
    tenant::SLUG,
    user::password,
    write::{Tx, new_head},
};

/// Of `LOGINS`, in their order; made before the write, because hashing is slow on purpose.
pub(super) async fn hashed_passwords() -> Result<Vec<String>> {
    futures_util::future::try_join_all(
        LOGINS.iter().map(|login| password::hash(login.password.to_owned())),
    )
    .await
}

pub(super) fn dollar() -> Result<Currency> {
    "USD".parse().map_err(Error::internal)
}

/// First in the write, so that of two seeds at once the second is refused before it has done anything.
pub(super) async fn add_tenant(tx: &Tx) -> Result<()> {
    let tenant = tenant::Model {
        id: tx.tenant(),
        slug: TENANT.to_owned(),
        name: "Bay Area Bike Share".to_owned(),
        time_zone: "America/Los_Angeles".to_owned(),
        currency: dollar()?,
        publishes_board: true,
        grace_seconds: 60,
        rental_limit: 1,
        created_at: tx.now(),
    };
    let tenant = tenant.into_active_model().reset_all();
    tenant.insert(&**tx).await.on_constraint(SLUG, Refusal::SlugTaken)?;
    stream_head::Entity::insert(new_head(tx.ctx(), epoch::fresh()?))
        .exec_without_returning(&**tx)
        .await?;
    Ok(())
}

pub(super) async fn add_logins(tx: &Tx, passwords: &[String]) -> Result<()> {
    for (login, password_hash) in LOGINS.iter().zip(passwords) {
        let customer_id = match login.role {
            Role::Customer => Some(add_customer(tx, login).await?),
            Role::Owner | Role::Staff => None,
        };
        let user = user::Model {
            tenant_id: tx.tenant(),
            id: tx.new_id(),
            email: login.email.to_owned(),
            name: login.name.to_owned(),
            role: login.role,
            password_hash: password_hash.clone(),
            customer_id,
            disabled_at: None,
            created_at: tx.now(),
        };
        user.into_active_model().reset_all().insert(&**tx).await?;
    }
    Ok(())
}

async fn add_customer(tx: &Tx, login: &Login) -> Result<CustomerId> {
    let customer = customer::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        name: login.name.to_owned(),
        email: Some(login.email.to_owned()),
        phone: None,
        blocked_at: None,
        rental_limit: None,
        archived_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    let customer = customer.into_active_model().reset_all().insert(&**tx).await?;
    let id = customer.id;
    tx.record(Event::CustomerChanged { id, before: None, after: Box::new(customer) });
    Ok(id)
}
