//! A secret that was sent to an address, so that whoever reads mail there can show it once.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::{tenant::TenantId, user::UserId};

id_type!(OneTimeCodeId, "code");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Purpose {
    SignIn,
    SignUp,
    Verify,
    ResetPassword,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_code")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OneTimeCodeId,
    pub purpose: Purpose,
    /// An e-mail address or a phone. There is one code for each purpose and address.
    pub address: String,
    /// None where nobody has the address: nothing was sent, and nothing will fit.
    pub user_id: Option<UserId>,
    /// Keyed hash of purpose, address and code.
    pub mac: Vec<u8>,
    pub attempts_left: i32,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

of_tenant!();
