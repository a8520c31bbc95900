//! Where a person can be reached, and by what they sign in.

use entity::user;
use sea_orm::{ColumnTrait, sea_query::SimpleExpr};

use crate::{
    error::{Invalid, Result},
    text,
};

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Contact {
    /// Lower case.
    Email(String),
    /// E.164.
    Phone(String),
}

impl Contact {
    /// Exactly one of the two.
    pub fn read(email: Option<&str>, phone: Option<&str>) -> Result<Self> {
        match (email, phone) {
            (Some(email), None) => text::email("email", email).map(Self::Email),
            (None, Some(phone)) => text::phone("phone", phone).map(Self::Phone),
            (Some(_), Some(_)) => Err(Invalid::new("phone", "goes without an email").into()),
            (None, None) => Err(Invalid::new("email", "give an email or a phone").into()),
        }
    }

    /// Whether the login has it already.
    pub(super) fn is_of(&self, user: &user::Model) -> bool {
        match self {
            Self::Email(address) => user.email.as_ref() == Some(address),
            Self::Phone(address) => user.phone.as_ref() == Some(address),
        }
    }

    pub fn address(&self) -> &str {
        match self {
            Self::Email(address) | Self::Phone(address) => address,
        }
    }

    pub fn email(&self) -> Option<String> {
        match self {
            Self::Email(address) => Some(address.clone()),
            Self::Phone(_) => None,
        }
    }

    pub fn phone(&self) -> Option<String> {
        match self {
            Self::Phone(address) => Some(address.clone()),
            Self::Email(_) => None,
        }
    }

    /// Of whose login it is.
    pub(super) fn filter(&self) -> SimpleExpr {
        match self {
            Self::Email(address) => user::Column::Email.eq(address),
            Self::Phone(address) => user::Column::Phone.eq(address),
        }
    }
}
