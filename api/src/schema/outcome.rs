//! A mutation's answer: its result, or the rules that said no, as data.

use async_graphql::{Enum, SimpleObject};
use service::refusal::Code;

use crate::error::{Error, Result};

/// A rule that said no, or an input field that cannot be used.
#[derive(Clone, SimpleObject)]
pub struct UserError {
    /// The path of the input field at fault, such as `["terms", "unlockPrice"]`; null when no field is.
    field: Option<Vec<String>>,
    /// For developers and for people who speak English; branch on `code`.
    message: String,
    /// Stable; new codes may come.
    code: UserErrorCode,
}

/// Why a mutation was refused. New values may come: treat an unknown one as a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Code")]
pub enum UserErrorCode {
    /// The vehicle is on a trip.
    VehicleTaken,
    /// Somebody else holds the vehicle.
    VehicleReserved,
    /// The vehicle cannot be rented in its present state.
    VehicleNotAvailable,
    /// The vehicle's type cannot be reserved.
    VehicleNotReservable,
    /// The vehicle is not reserved, or the hold has ended.
    VehicleNotReserved,
    /// What was asked for is not possible in the vehicle's present state.
    VehicleStateConflict,
    /// Staff must say for whom.
    CustomerRequired,
    /// The customer may not rent at present.
    CustomerBlocked,
    /// The customer holds or rides as many vehicles as allowed.
    CustomerLimitReached,
    /// The station does not rent out at present.
    StationNotRenting,
    /// The station has no free dock.
    StationFull,
    /// The station takes no returns at present.
    StationNotReturning,
    /// The rental has ended or was cancelled.
    RentalNotOpen,
    /// The grace period has passed.
    RentalNotCancellable,
    /// No tariff was named, the vehicle's type has none, and neither has the tenant.
    TariffRequired,
    /// Riders take the tariff that applies; another one is given by staff.
    TariffNotOffered,
    /// The key was used before with another input.
    IdempotencyMismatch,
    /// Archived objects cannot be used or changed.
    Archived,
    /// The station still has vehicles.
    StationInUse,
    /// Vehicles of this type still exist.
    VehicleTypeInUse,
    /// The vehicle is held, rented or leased.
    VehicleInUse,
    /// The customer has open rentals or holds.
    CustomerInUse,
    /// The tariff is a default, or open rentals use it.
    TariffInUse,
    /// Another vehicle has this number.
    NumberTaken,
    /// Another station has this short code.
    ShortCodeTaken,
    /// Another customer or user has this e-mail address.
    EmailTaken,
    /// Another tenant has this slug.
    SlugTaken,
    /// Tenant, e-mail address or password are wrong; which one is not said.
    InvalidCredentials,
    /// Another user has this phone.
    PhoneTaken,
    /// The code or token is wrong, used, or too old, or was guessed too often: ask for a new one.
    InvalidCode,
    /// This login has a second factor: send its code too.
    SecondFactorCodeRequired,
    /// The code of the second factor is wrong, or was used before.
    InvalidSecondFactor,
    /// The login has a second factor already.
    SecondFactorExists,
    /// The tenant lets nobody sign up by themselves.
    SignUpClosed,
    /// Messages cannot be sent to such an address here.
    DeliveryUnavailable,
    /// The invitation was accepted: it is a login now.
    InvitationAccepted,
    /// A tenant keeps at least one owner who can sign in.
    LastOwner,
    /// Logins that ride and logins that do not are different logins.
    RoleNotChangeable,
    /// The tenant is suspended: nobody may call until the platform's operator resumes it.
    TenantSuspended,
    /// The tenant asks its people for a second factor, and this login has none yet.
    SecondFactorRequired,
    /// Two keys of the API client work already: revoke one first.
    ApiKeyLimitReached,
    /// The API client is out of use.
    ApiClientDisabled,
    /// Documents of the manifest cannot be registered.
    OperationsRefused,
    /// There is not that much in the wallet, deposit or hold.
    InsufficientFunds,
    /// The refresh token is unknown, used up, expired or revoked: sign in again.
    InvalidRefreshToken,
    /// An input field cannot be used as it is; `field` says which.
    InvalidInput,
    /// No such object in this tenant; `field` says which id.
    NotFound,
}

/// Sorts a use case's answer: refused, invalid or not found is data, everything else is a top-level error.
pub fn outcome<T>(outcome: service::Result<T>) -> Result<(Option<T>, Vec<UserError>)> {
    let refused = |code: Code, field: Option<Vec<String>>, message: String| {
        Ok((None, vec![UserError { field, message, code: code.into() }]))
    };
    match outcome {
        Ok(result) => Ok((Some(result), Vec::new())),
        Err(service::Error::Refused(refusal)) => refused(
            refusal.code(),
            refusal.field().map(|field| vec![field.to_owned()]),
            refusal.to_string(),
        ),
        Err(service::Error::Invalid(invalid)) => {
            refused(Code::InvalidInput, Some(invalid.field), invalid.message)
        }
        Err(service::Error::NotFound(subject)) => refused(
            Code::NotFound,
            Some(vec![subject.field().to_owned()]),
            format!("{subject} not found"),
        ),
        Err(other) => Err(Error::from(other)),
    }
}

/// A payload with one result, as every mutation has it.
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $type:ty }) => {
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            $(#[$field_doc])*
            $field: Option<$type>,
            /// Why nothing happened; empty when it did.
            user_errors: Vec<$crate::schema::outcome::UserError>,
        }

        impl $name {
            fn from_outcome<T: Into<$type>>(outcome: service::Result<T>) -> $crate::error::Result<Self> {
                let (result, user_errors) = $crate::schema::outcome::outcome(outcome)?;
                Ok(Self { $field: result.map(Into::into), user_errors })
            }
        }
    };
}
pub(crate) use payload;
