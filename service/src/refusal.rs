//! Every rule that can say no, with its stable code and the input field at fault.

/// A code never changes its meaning; clients branch on it.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident $({ $($data:ident: $type:ty),* })?, $code:literal, $field:expr, $message:literal;)*) => {
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum Refusal {
            $($(#[$doc])* #[error($message)] $name $({ $($data: $type),* })?,)*
        }

        impl Refusal {
            pub fn code(&self) -> Code {
                match self { $(Self::$name { .. } => Code::$name,)* }
            }

            /// The input field that the rule is about; None when it is not about one.
            pub fn field(&self) -> Option<&'static str> {
                match self { $(Self::$name { .. } => $field,)* }
            }
        }

        /// The codes of `UserError`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $name,)*
            /// An input field cannot be used as it is; `field` says which.
            InvalidInput,
            /// No such object in this tenant; `field` says which id.
            NotFound,
        }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$name,)* Self::InvalidInput, Self::NotFound];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                    Self::InvalidInput => "INVALID_INPUT",
                    Self::NotFound => "NOT_FOUND",
                }
            }
        }
    };
}

refusals! {
    /// The vehicle is on a trip.
    VehicleTaken, "VEHICLE_TAKEN", Some("vehicleId"), "this vehicle is on a trip";
    /// Somebody else holds the vehicle.
    VehicleReserved, "VEHICLE_RESERVED", Some("vehicleId"), "this vehicle is reserved by somebody else";
    /// The vehicle cannot be rented in its present state.
    VehicleNotAvailable { state: String }, "VEHICLE_NOT_AVAILABLE", Some("vehicleId"), "this vehicle cannot be rented now: it is {state}";
    /// The vehicle's type cannot be reserved.
    VehicleNotReservable, "VEHICLE_NOT_RESERVABLE", Some("vehicleId"), "vehicles of this type cannot be reserved";
    /// The vehicle is not reserved, or the hold has ended.
    VehicleNotReserved, "VEHICLE_NOT_RESERVED", Some("vehicleId"), "this vehicle is not reserved";
    /// What was asked for is not possible in the vehicle's present state.
    VehicleStateConflict { state: String }, "VEHICLE_STATE_CONFLICT", Some("vehicleId"), "this is not possible while the vehicle is {state}";
    /// Staff must say for whom.
    CustomerRequired, "CUSTOMER_REQUIRED", Some("customerId"), "say which customer it is for";
    /// The customer may not rent at present.
    CustomerBlocked, "CUSTOMER_BLOCKED", Some("customerId"), "this customer is blocked";
    /// The customer holds or rides as many vehicles as allowed.
    CustomerLimitReached { limit: i32 }, "CUSTOMER_LIMIT_REACHED", Some("customerId"), "this customer may have {limit} at once";
    /// The station does not rent out at present.
    StationNotRenting, "STATION_NOT_RENTING", Some("vehicleId"), "this station is not renting at the moment";
    /// The station has no free dock.
    StationFull, "STATION_FULL", Some("stationId"), "this station has no free dock";
    /// The station takes no returns at present.
    StationNotReturning, "STATION_NOT_RETURNING", Some("stationId"), "this station takes no returns at the moment";
    /// The rental has ended or was cancelled.
    RentalNotOpen, "RENTAL_NOT_OPEN", Some("rentalId"), "this rental is not open";
    /// The grace period has passed.
    RentalNotCancellable { seconds: i32 }, "RENTAL_NOT_CANCELLABLE", Some("rentalId"), "a rental can be cancelled within {seconds} seconds of its start: end it instead";
    /// No tariff was named, the vehicle's type has none, and neither has the tenant.
    TariffRequired, "TARIFF_REQUIRED", Some("tariffId"), "name a tariff: there is no default";
    /// Riders take the tariff that applies; another one is given by staff.
    TariffNotOffered, "TARIFF_NOT_OFFERED", Some("tariffId"), "this tariff is given by staff";
    /// The key was used before with another input.
    IdempotencyMismatch, "IDEMPOTENCY_MISMATCH", Some("idempotencyKey"), "this idempotency key was used with another input";
    /// Archived objects cannot be used or changed.
    Archived { what: &'static str }, "ARCHIVED", None, "this {what} is archived";
    /// The station still has vehicles.
    StationInUse { by: String }, "STATION_IN_USE", Some("stationId"), "this station is in use by {by}";
    /// Vehicles of this type still exist.
    VehicleTypeInUse { by: String }, "VEHICLE_TYPE_IN_USE", Some("vehicleTypeId"), "this vehicle type is in use by {by}";
    /// The vehicle is held, rented or leased.
    VehicleInUse { by: String }, "VEHICLE_IN_USE", Some("vehicleId"), "this vehicle is in use by {by}";
    /// The customer has open rentals or holds.
    CustomerInUse { by: String }, "CUSTOMER_IN_USE", Some("customerId"), "this customer is in use by {by}";
    /// The tariff is a default, or open rentals use it.
    TariffInUse { by: String }, "TARIFF_IN_USE", Some("tariffId"), "this tariff is in use by {by}";
    /// Another vehicle has this number.
    NumberTaken, "NUMBER_TAKEN", Some("number"), "another vehicle has this number";
    /// Another station has this short code.
    ShortCodeTaken, "SHORT_CODE_TAKEN", Some("shortCode"), "another station has this short code";
    /// Another customer or user has this e-mail address.
    EmailTaken, "EMAIL_TAKEN", Some("email"), "this e-mail address is in use";
    /// Another tenant has this slug.
    SlugTaken, "SLUG_TAKEN", Some("slug"), "this slug is in use";
    /// Tenant, e-mail address or password are wrong; which one is not said.
    InvalidCredentials, "INVALID_CREDENTIALS", None, "tenant, e-mail address or password are wrong";
    /// Another user has this phone.
    PhoneTaken, "PHONE_TAKEN", Some("phone"), "this phone is in use";
    /// The code or token is wrong, used, or too old, or was guessed too often: ask for a new one.
    InvalidCode, "INVALID_CODE", None, "this code does not work (any more)";
    /// This login has a second factor: send its code too.
    SecondFactorCodeRequired, "SECOND_FACTOR_CODE_REQUIRED", Some("totpCode"), "the code of your authenticator app is needed";
    /// The code of the second factor is wrong, or was used before.
    InvalidSecondFactor, "INVALID_SECOND_FACTOR", Some("totpCode"), "this code of the authenticator app is wrong or was used";
    /// The login has a second factor already.
    SecondFactorExists, "SECOND_FACTOR_EXISTS", None, "there is a second factor already: remove it first";
    /// The tenant lets nobody sign up by themselves.
    SignUpClosed, "SIGN_UP_CLOSED", Some("tenant"), "this tenant lets nobody sign up by themselves";
    /// Messages cannot be sent to such an address here.
    DeliveryUnavailable, "DELIVERY_UNAVAILABLE", None, "no messages can be sent to such an address here";
    /// The invitation was accepted: it is a login now.
    InvitationAccepted, "INVITATION_ACCEPTED", Some("invitationId"), "this invitation was accepted: disable the login instead";
    /// A tenant keeps at least one owner who can sign in.
    LastOwner, "LAST_OWNER", Some("userId"), "this is the tenant's last owner";
    /// Logins that ride and logins that do not are different logins.
    RoleNotChangeable, "ROLE_NOT_CHANGEABLE", Some("role"), "a login of a customer cannot become one of staff, or the other way";
    /// The tenant is suspended: nobody may call until the platform's operator resumes it.
    TenantSuspended, "TENANT_SUSPENDED", None, "this tenant is suspended";
    /// The tenant asks its people for a second factor, and this login has none yet.
    SecondFactorRequired, "SECOND_FACTOR_REQUIRED", None, "set up a second factor first";
    /// Two keys of the API client work already: revoke one first.
    ApiKeyLimitReached, "API_KEY_LIMIT_REACHED", Some("clientId"), "this client has two keys that work: revoke one first";
    /// The API client is out of use.
    ApiClientDisabled, "API_CLIENT_DISABLED", Some("clientId"), "this client is disabled";
    /// Documents of the manifest cannot be registered.
    OperationsRefused { count: usize }, "OPERATIONS_REFUSED", Some("manifest"), "{count} reasons not to register these operations";
    /// There is not that much in the wallet, deposit or hold.
    InsufficientFunds, "INSUFFICIENT_FUNDS", Some("amount"), "there is not that much";
    /// The refresh token is unknown, used up, expired or revoked: sign in again.
    InvalidRefreshToken, "INVALID_REFRESH_TOKEN", Some("refreshToken"), "sign in again";
}
