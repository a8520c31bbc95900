//! Logins that a tenant expects: somebody is invited to an address, and becomes a user by showing what was sent there.

use chrono::Duration;
use entity::{
    customer::CustomerId,
    invitation::{ActiveModel, Column, Entity, InvitationId, Model},
    tenant::{Model as Tenant, SignUp},
    user::{self, Role},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, IntoSimpleExpr, QueryFilter, sea_query::Expr,
};

use super::{
    attempt,
    contact::Contact,
    password,
    session::{Opening, packed, unpacked},
    sign_in::SignedIn,
    sign_up::{NewLogin, customer_of},
    team,
};
use crate::{
    ctx::{App, Ctx},
    error::{Error, Invalid, Result, Subject},
    keys::{random, sha256},
    notify::{self, Message},
    origin::Origin,
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
    refusal::Refusal,
    text,
    write::Tx,
};

const LASTS: Duration = Duration::days(7);

#[derive(Clone)]
pub struct Invite {
    pub contact: Contact,
    pub role: Role,
    /// For whom an employee or a customer will ride; a customer without one is made when they accept.
    pub customer: Option<CustomerId>,
}

#[derive(Clone)]
pub struct AcceptInvitation {
    pub token: String,
    pub name: String,
    /// None: signs in by one-time codes.
    pub password: Option<String>,
}

/// Sends a link. Inviting an address again is a new invitation; the one before still works.
pub async fn invite(ctx: &Ctx, input: Invite) -> Result<Model> {
    if input.role.rides() {
        ctx.require(Permission::ManageCustomers)?;
    } else {
        ctx.require(Permission::ManageTeam)?;
        team::may_appoint(ctx, input.role)?;
    }
    if !input.role.rides() && input.customer.is_some() {
        let message = "goes with the roles CUSTOMER and EMPLOYEE, and only with them";
        return Err(Invalid::new("customerId", message).into());
    }
    if input.role == Role::Employee && input.customer.is_none() {
        return Err(Refusal::CustomerRequired.into());
    }
    if let Some(customer) = input.customer {
        crate::customer::get(ctx, customer).await?;
    }
    let tenant = ctx.own_tenant().await?;
    if input.role.rides() && tenant.sign_up == SignUp::Closed {
        return Err(Refusal::SignUpClosed.into());
    }
    attempt::to_send(&ctx.app, &ctx.origin, ctx.tenant, &input.contact).await?;
    send(ctx, &tenant, input).await
}

async fn send(ctx: &Ctx, tenant: &Tenant, input: Invite) -> Result<Model> {
    let link = &Link::new(ctx, &input.contact)?;
    let input = &input;
    let invitation = ctx.write(|tx| async move { link.insert(&tx, input).await }).await?;
    link.send(ctx, &tenant.name, &input.contact);
    Ok(invitation)
}

/// What is sent to who is invited.
pub(crate) struct Link {
    id: InvitationId,
    token: String,
}

impl Link {
    pub fn new(ctx: &Ctx, to: &Contact) -> Result<Self> {
        if !ctx.app.notifier.reaches(to) {
            return Err(Refusal::DeliveryUnavailable.into());
        }
        let id: InvitationId = ctx.app.new_id();
        Ok(Self { id, token: packed(ctx.tenant, id, &random::<32>()?) })
    }

    pub async fn insert(&self, tx: &Tx, input: &Invite) -> Result<Model> {
        // The platform's own people are none of the tenant's.
        let of_tenant = tx.actor().role() != Some(Role::Administrator);
        let invitation = ActiveModel {
            tenant_id: Set(tx.tenant()),
            id: Set(self.id),
            email: Set(input.contact.email()),
            phone: Set(input.contact.phone()),
            role: Set(input.role),
            customer_id: Set(input.customer),
            secret_sha256: Set(sha256(self.token.as_bytes())),
            invited_by: Set(tx.actor().user().filter(|_| of_tenant)),
            expires_at: Set(tx.now() + LASTS),
            accepted_at: Set(None),
            revoked_at: Set(None),
            created_at: Set(tx.now()),
        };
        let invitation = invitation.insert(&**tx).await?;
        tx.audit("invitation.create", None, Some(&invitation))?;
        Ok(invitation)
    }

    /// Once it is committed.
    pub fn send(&self, ctx: &Ctx, tenant: &str, to: &Contact) {
        let (url, token, days) = (&ctx.app.public_url, &self.token, LASTS.num_days());
        let text = format!(
            "{tenant} invites you. Choose your name and password here:\n\n{url}/accept-invitation?token={token}\n\nThe link \
             works once, for {days} days.\n"
        );
        let subject = format!("{tenant} invites you");
        notify::send(&ctx.app.notifier, Message::new(to.clone(), subject, text));
    }
}

/// Makes the login, and signs in. `INVALID_CODE` when the token is unknown, used, revoked or too old.
pub async fn accept(app: &App, origin: &Origin, input: AcceptInvitation) -> Result<SignedIn> {
    attempt::with_token(app, origin).await?;
    let name = &text::required("name", &input.name, 200)?;
    if let Some(password) = &input.password {
        password::check("password", password)?;
    }
    let (tenant, id) = unpacked::<InvitationId>(&input.token).ok_or(Refusal::InvalidCode)?;
    let settings = crate::tenant::get(app, tenant).await.map_err(|error| match error {
        Error::NotFound(_) => Refusal::InvalidCode.into(),
        other => other,
    })?;
    if settings.suspended_at.is_some() {
        return Err(Refusal::TenantSuspended.into());
    }
    let (shown, opening) = (&sha256(input.token.as_bytes()), &Opening::new(app, tenant)?);
    let known =
        Entity::of(tenant).filter(Column::Id.eq(id)).filter(Column::SecretSha256.eq(shown.clone()));
    if known.one(&app.db.reader_of(tenant)).await?.is_none() {
        return Err(Refusal::InvalidCode.into());
    }
    let hash = &match input.password {
        Some(password) => Some(password::hash("password", password).await?),
        None => None,
    };
    let user = app
        .system(tenant, "accept_invitation")
        .coming_from(origin.clone())
        .write(|tx| async move {
            let taken = Entity::update_of(tenant)
                .col_expr(Column::AcceptedAt, Expr::value(tx.now()))
                .filter(Column::Id.eq(id))
                .filter(Column::SecretSha256.eq(shown.clone()))
                .filter(Column::AcceptedAt.is_null())
                .filter(Column::RevokedAt.is_null())
                .filter(Column::ExpiresAt.gt(tx.now()))
                .exec(&*tx)
                .await?;
            if taken.rows_affected == 0 {
                return Err(Refusal::InvalidCode.into());
            }
            let found = Entity::of(tenant).filter(Column::Id.eq(id)).one(&*tx).await?;
            let invitation = found.ok_or_else(|| Error::internal("an invitation is gone"))?;
            still_stands(&tx, &invitation).await?;
            let contact = Contact::read(invitation.email.as_deref(), invitation.phone.as_deref())?;
            let customer = match invitation.customer_id {
                None if invitation.role.rides() => Some(customer_of(&tx, &contact, name).await?),
                given => given,
            };
            let role = invitation.role;
            let (name, password_hash) = (name.clone(), hash.clone());
            let login = NewLogin { contact, name, role, password_hash, customer };
            let user = login.insert(&tx).await?;
            tx.audit_by(&user, "user.create", None, Some(&user))?;
            let lacks = settings.requires_second_factor && !role.rides();
            opening.open(&tx, user.id, lacks, origin).await?;
            Ok(user)
        })
        .await?;
    opening.clone().signed_in(app, user).await
}

/// Who invited may still do so: what somebody gave away does not outlast what they have.
async fn still_stands(tx: &Tx, invitation: &Model) -> Result<()> {
    let Some(by) = invitation.invited_by else { return Ok(()) };
    let found = user::Entity::of(tx.tenant()).filter(user::Column::Id.eq(by)).one(&**tx).await?;
    let may = |by: &user::Model| {
        let needed = match invitation.role.rides() {
            true => Permission::ManageCustomers,
            false => Permission::ManageTeam,
        };
        let owner = invitation.role != Role::Owner || by.role == Role::Owner;
        by.disabled_at.is_none() && owner && Permission::of(by.role, needed)
    };
    if found.is_some_and(|by| may(&by)) { Ok(()) } else { Err(Refusal::InvalidCode.into()) }
}

/// Its link works no more. One that was accepted is a login already.
pub async fn revoke(ctx: &Ctx, id: InvitationId) -> Result<Model> {
    ctx.require(Permission::ManageTeam)?;
    ctx.write(|tx| async move {
        let found = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).one(&*tx).await?;
        let before = found.ok_or(Error::NotFound(Subject::Invitation))?;
        team::may_appoint(tx.ctx(), before.role)?;
        let after = Model { revoked_at: before.revoked_at.or(Some(tx.now())), ..before.clone() };
        tx.audit("invitation.revoke", Some(&before), Some(&after))?;
        let revoked = Entity::update_of(tx.tenant())
            .col_expr(Column::RevokedAt, Expr::value(after.revoked_at))
            .filter(Column::Id.eq(id))
            .filter(Column::AcceptedAt.is_null())
            .exec(&*tx)
            .await?;
        if revoked.rows_affected == 0 {
            return Err(Refusal::InvitationAccepted.into());
        }
        Ok(after)
    })
    .await
}

/// The newest first, with those that were accepted, revoked or are over.
pub async fn list(ctx: &Ctx, page: &PageArgs) -> Result<Page<Model>> {
    ctx.require(Permission::ManageTeam)?;
    let sort = Sort {
        name: "created".into(),
        direction: Direction::Descending,
        by: None,
        id: Column::Id.into_simple_expr(),
        key: Box::new(|invitation: &Model| (Key::None, entity::Id::uuid(invitation.id))),
    };
    page::fetch(ctx, "invitations", Entity::of(ctx.tenant), sort, page).await
}

pub async fn count(ctx: &Ctx) -> Result<i64> {
    ctx.require(Permission::ManageTeam)?;
    page::count(Entity::of(ctx.tenant), ctx.reader()).await
}
