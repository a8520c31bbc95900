//! One operator: a business that runs a fleet here. Everything else belongs to one.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::money::Currency;

id_type!(TenantId, "tenant");

impl TenantId {
    /// The platform itself: its users are the administrators, and it has nothing else.
    pub const PLATFORM: Self = Self(uuid::Uuid::nil());
}

/// Who may make a customer's login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Anybody, for themselves.
    Open,
    /// Who was invited.
    ByInvitation,
    /// Nobody; logins are made by staff.
    Closed,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "tenant")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TenantId,
    /// What people type to sign in: lower-case letters, digits and `-`.
    #[sea_orm(unique)]
    pub slug: String,
    pub name: String,
    /// IANA name; billing days are dates in this zone.
    pub time_zone: String,
    pub currency: Currency,
    /// Anyone may see stations and their availability.
    pub publishes_board: bool,
    /// A rental cancelled within this many seconds of its start costs nothing.
    pub grace_seconds: i32,
    /// How many vehicles one customer may hold or ride at once, where the customer has no limit of their own.
    pub rental_limit: i32,
    pub sign_up: SignUp,
    /// Riders leave a tariff's collateral before they ride, where it has one.
    pub requires_deposit: bool,
    /// Who owes more than this, in minor units of the tenant's currency, does not ride. None: whoever owes.
    pub debt_limit_minor: Option<i64>,
    /// Staff may do nothing before they have a second factor.
    pub requires_second_factor: bool,
    /// Nobody may call while this is set.
    pub suspended_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Every tenant: for signing in, for the platform's own commands, and for work that goes through all of them.
    #[expect(clippy::disallowed_methods, reason = "the tenants themselves belong to none")]
    pub fn all() -> sea_orm::Select<Self> {
        Self::find()
    }

    /// An update of one.
    #[expect(clippy::disallowed_methods, reason = "the tenants themselves belong to none")]
    pub fn update_one(id: TenantId) -> sea_orm::UpdateMany<Self> {
        Self::update_many().filter(Column::Id.eq(id))
    }
}
