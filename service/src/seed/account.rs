//! Those who sign in to the demo.

use entity::{
    customer::{self, CustomerId},
    user,
};
use sea_orm::{ActiveModelTrait, IntoActiveModel};

use super::{LOGINS, Login};
use crate::{error::Result, event::Event, user::password, write::Tx};

/// Of `LOGINS`, in their order; made before the write, because hashing is slow on purpose.
pub(super) async fn hashed_passwords() -> Result<Vec<String>> {
    futures_util::future::try_join_all(
        LOGINS.iter().map(|login| password::hash("password", login.password.to_owned())),
    )
    .await
}

pub(super) async fn add_logins(tx: &Tx, passwords: &[String]) -> Result<()> {
    for (login, password_hash) in LOGINS.iter().zip(passwords) {
        let customer_id =
            if login.role.rides() { Some(add_customer(tx, login).await?) } else { None };
        let user = user::Model {
            tenant_id: tx.tenant(),
            id: tx.new_id(),
            email: Some(login.email.to_owned()),
            phone: None,
            email_verified_at: Some(tx.now()),
            phone_verified_at: None,
            name: login.name.to_owned(),
            role: login.role,
            password_hash: Some(password_hash.clone()),
            totp_secret: None,
            totp_confirmed_at: None,
            totp_last_step: None,
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
