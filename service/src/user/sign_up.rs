//! A customer who makes a login for themselves, where the tenant lets anybody.

use chrono::Duration;
use entity::{
    customer::{self, CustomerId},
    one_time_code::Purpose,
    tenant::SignUp as Policy,
    user::{Role, UserId},
};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, QueryFilter};
use serde::{Deserialize, Serialize};

use super::{
    attempt,
    contact::Contact,
    one_time_code::{self, Issue},
    password,
    session::Opening,
    sign_in::{self, SignedIn},
};
use crate::{
    ctx::App,
    error::{Error, Result},
    event::Event,
    notify::{self, Message},
    origin::Origin,
    refusal::Refusal,
    text,
    write::Tx,
};

const LASTS: Duration = Duration::minutes(30);

#[derive(Clone)]
pub struct SignUp {
    pub tenant: String,
    pub contact: Contact,
    pub name: String,
    /// None: signs in by one-time codes.
    pub password: Option<String>,
}

/// What waits for the code.
#[derive(Serialize, Deserialize)]
struct Pending {
    name: String,
    password_hash: Option<String>,
}

/// Sends a code to the address. Who has a login already is told so there, and nowhere else.
pub async fn begin(app: &App, origin: &Origin, input: SignUp) -> Result<()> {
    if !app.notifier.reaches(&input.contact) {
        return Err(Refusal::DeliveryUnavailable.into());
    }
    let name = text::required("name", &input.name, 200)?;
    let tenant = crate::tenant::named(app, &input.tenant).await?;
    let tenant = tenant.filter(|tenant| tenant.sign_up == Policy::Open);
    let tenant = tenant.ok_or(Refusal::SignUpClosed)?;
    if tenant.suspended_at.is_some() {
        return Err(Refusal::TenantSuspended.into());
    }
    attempt::to_send(app, origin, tenant.id, &input.contact).await?;
    let password_hash = match input.password {
        Some(password) => Some(password::hash("password", password).await?),
        None => None,
    };
    let known = sign_in::by_contact(app, tenant.id, &input.contact).await?.is_some();
    let pending = Pending { name, password_hash };
    let payload = serde_json::to_string(&pending).map_err(Error::internal)?;
    let code = one_time_code::digits()?;
    let issue = Issue {
        id: app.new_id(),
        purpose: Purpose::SignUp,
        contact: &input.contact,
        user: None,
        secret: &code,
        payload: (!known).then_some(payload),
        lasts: LASTS,
    };
    one_time_code::issue(&app.system(tenant.id, "sign_up"), issue).await?;
    let message = if known {
        known_already(&tenant.name)
    } else {
        let minutes = LASTS.num_minutes();
        let text = format!(
            "{code} is your code to finish your sign-up at {}. It works once, for {minutes} minutes.\n",
            tenant.name
        );
        (format!("{code} is your code for {}", tenant.name), text)
    };
    let (subject, text) = message;
    notify::send(&app.notifier, Message { to: input.contact, subject, text });
    Ok(())
}

fn known_already(tenant: &str) -> (String, String) {
    let text = format!(
        "Somebody, perhaps you, wanted to sign up at {tenant} with this address. It has a login already: sign in with \
         it, or choose a new password.\n"
    );
    (format!("You have a login at {tenant}"), text)
}

/// Makes the customer and the login, and signs in.
pub async fn complete(
    app: &App,
    origin: &Origin,
    tenant: &str,
    contact: &Contact,
    code: &str,
) -> Result<SignedIn> {
    attempt::to_sign_in(app, origin, tenant, contact).await?;
    let tenant = crate::tenant::named(app, tenant).await?.ok_or(Refusal::InvalidCode)?;
    let ctx = app.system(tenant.id, "sign_up");
    let sent = one_time_code::sent_to(Purpose::SignUp, contact);
    let code = &one_time_code::redeem(&ctx, sent, code.trim()).await?;
    let pending = code.payload.as_deref().ok_or(Refusal::InvalidCode)?;
    let pending: Pending = serde_json::from_str(pending).map_err(Error::internal)?;
    let (opening, pending) = (&Opening::new(app, tenant.id)?, &pending);
    let user = ctx
        .write(|tx| async move {
            one_time_code::use_up(&tx, code).await?;
            let customer = customer_of(&tx, contact, &pending.name).await?;
            let login = NewLogin {
                contact: contact.clone(),
                name: pending.name.clone(),
                role: Role::Customer,
                password_hash: pending.password_hash.clone(),
                customer: Some(customer),
            };
            let user = login.insert(&tx).await?;
            opening.open(&tx, user.id, false, origin).await?;
            Ok(user)
        })
        .await?;
    let opening = Opening { id: opening.id, refresh_token: opening.refresh_token.clone() };
    opening.signed_in(app, user).await
}

/// The one that staff has made for this address, else a new one.
pub(super) async fn customer_of(tx: &Tx, contact: &Contact, name: &str) -> Result<CustomerId> {
    if let Some(email) = contact.email() {
        let known = customer::Entity::of(tx.tenant())
            .filter(customer::Column::Email.eq(email))
            .filter(customer::Column::ArchivedAt.is_null())
            .one(&**tx)
            .await?;
        if let Some(known) = known {
            return Ok(known.id);
        }
    }
    let customer = customer::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        name: name.to_owned(),
        email: contact.email(),
        phone: contact.phone(),
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

/// A login whose address was shown to be theirs.
pub(super) struct NewLogin {
    pub contact: Contact,
    pub name: String,
    pub role: Role,
    pub password_hash: Option<String>,
    pub customer: Option<CustomerId>,
}

impl NewLogin {
    pub async fn insert(self, tx: &Tx) -> Result<entity::user::Model> {
        let id: UserId = tx.new_id();
        let user = super::Model {
            email_verified_at: self.contact.email().map(|_| tx.now()),
            phone_verified_at: self.contact.phone().map(|_| tx.now()),
            ..super::blank(tx, id, self)
        };
        super::insert(tx, user).await
    }
}
