//! A customer who makes a login for themselves, where the tenant lets anybody.

use chrono::Duration;
use entity::{
    customer::{self, CustomerId},
    one_time_code::Purpose,
    tenant::{Model as Tenant, SignUp as Policy},
    user::{Role, UserId},
};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, QueryFilter};

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
    error::{OnConstraint, Result},
    event::Event,
    keys::random,
    notify::{self, Message},
    origin::Origin,
    refusal::Refusal,
    text,
    write::Tx,
};

const LASTS: Duration = Duration::minutes(30);

#[derive(Clone)]
pub struct CompleteSignUp {
    /// Its slug.
    pub tenant: String,
    pub contact: Contact,
    pub code: String,
    pub name: String,
    /// None: signs in by one-time codes.
    pub password: Option<String>,
}

/// Sends a code to the address. Who has a login already is told so there, and nowhere else.
pub async fn begin(app: &App, origin: &Origin, tenant: &str, contact: &Contact) -> Result<()> {
    if !app.notifier.reaches(contact) {
        return Err(Refusal::DeliveryUnavailable.into());
    }
    let tenant = open_to_all(app, tenant).await?;
    attempt::to_send(app, origin, tenant.id, contact).await?;
    let known = sign_in::by_contact(app, tenant.id, contact).await?.is_some();
    let code = one_time_code::digits()?;
    // For who has a login there is a code too, that nobody knows.
    let secret = if known { hidden()? } else { code.clone() };
    let issue = Issue {
        id: app.new_id(),
        purpose: Purpose::SignUp,
        contact,
        user: None,
        secret: &secret,
        lasts: LASTS,
    };
    one_time_code::issue(&app.system(tenant.id, "sign_up"), issue).await?;
    let (subject, text) = if known {
        known_already(&tenant.name)
    } else {
        let (name, minutes) = (&tenant.name, LASTS.num_minutes());
        let text = format!(
            "{code} is your code to sign up at {name}. It works once, for {minutes} minutes. If you did not ask for it, do \
             nothing.\n"
        );
        (format!("{code} is your code for {name}"), text)
    };
    notify::send(&app.notifier, Message::new(contact.clone(), subject, text));
    Ok(())
}

fn hidden() -> Result<String> {
    Ok(random::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A tenant that takes anybody; none at all says the same as one that does not.
async fn open_to_all(app: &App, tenant: &str) -> Result<Tenant> {
    let tenant = crate::tenant::open(app, tenant).await?;
    let tenant = tenant.filter(|tenant| tenant.sign_up == Policy::Open);
    tenant.ok_or_else(|| Refusal::SignUpClosed.into())
}

fn known_already(tenant: &str) -> (String, String) {
    let text = format!(
        "Somebody, perhaps you, wanted to sign up at {tenant} with this address. It has a login already: sign in with \
         it, or choose a new password.\n"
    );
    (format!("You have a login at {tenant}"), text)
}

/// Makes the customer and the login, and signs in. Name and password come with the code: whoever began may be somebody
/// else than who reads there.
pub async fn complete(app: &App, origin: &Origin, input: CompleteSignUp) -> Result<SignedIn> {
    let name = &text::required("name", &input.name, 200)?;
    if let Some(password) = &input.password {
        password::check("password", password)?;
    }
    let contact = &input.contact;
    let tenant = open_to_all(app, &input.tenant).await?;
    attempt::to_sign_in(app, origin, (&input.tenant, contact), None).await?;
    let ctx = app.system(tenant.id, "sign_up").coming_from(origin.clone());
    let sent = one_time_code::sent_to(Purpose::SignUp, contact);
    let code = &one_time_code::redeem(&ctx, sent, input.code.trim()).await?;
    let hash = &match input.password {
        Some(password) => Some(password::hash("password", password).await?),
        None => None,
    };
    let opening = &Opening::new(app, tenant.id)?;
    let user = ctx
        .write(|tx| async move {
            one_time_code::use_up(&tx, code).await?;
            let login = NewLogin {
                contact: contact.clone(),
                name: name.clone(),
                role: Role::Customer,
                password_hash: hash.clone(),
                customer: Some(customer_of(&tx, contact, name).await?),
            };
            let user = login.insert(&tx).await?;
            opening.open(&tx, user.id, false, origin).await?;
            Ok(user)
        })
        .await?;
    opening.clone().signed_in(app, user).await
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
    let customer = customer.into_active_model().reset_all().insert(&**tx).await;
    let customer = customer.on_constraint(crate::customer::EMAIL, Refusal::EmailTaken)?;
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
