//! The second factor, as clients see it.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use service::user::second_factor::{self, Setup};

use super::User;
use crate::{context::Call, error::Result, schema::outcome::payload};

/// What an authenticator app needs. It is shown once.
#[derive(SimpleObject)]
pub struct SecondFactorSetup {
    /// Base32, to be typed.
    secret: String,
    /// `otpauth://totp/…`, to be shown as a QR code.
    uri: String,
}

impl From<Setup> for SecondFactorSetup {
    fn from(setup: Setup) -> Self {
        Self { secret: setup.secret, uri: setup.uri }
    }
}

/// What the app shows.
#[derive(InputObject)]
pub struct ConfirmSecondFactorInput {
    /// Six digits.
    #[graphql(secret)]
    totp_code: String,
}

/// Who takes it away.
#[derive(InputObject)]
pub struct RemoveSecondFactorInput {
    /// The caller's, once more.
    #[graphql(secret)]
    password: String,
}

payload!(
    /// What `setUpSecondFactor` answers.
    SetUpSecondFactorPayload {
        /// For the authenticator app; null when refused.
        setup: SecondFactorSetup
    }
);
payload!(
    /// What `confirmSecondFactor` answers.
    ConfirmSecondFactorPayload {
        /// The caller, who has it now; null when refused.
        user: User
    }
);
payload!(
    /// What `removeSecondFactor` answers.
    RemoveSecondFactorPayload {
        /// The caller, who has none any more; null when refused.
        user: User
    }
);

#[derive(Default)]
pub struct SecondFactorMutation;

#[Object]
impl SecondFactorMutation {
    /// Makes a secret for an authenticator app (RFC 6238: SHA-1, 6 digits, 30 seconds). It counts once it is confirmed.
    async fn set_up_second_factor(&self, ctx: &Context<'_>) -> Result<SetUpSecondFactorPayload> {
        SetUpSecondFactorPayload::from_outcome(second_factor::set_up(ctx.call()?).await)
    }

    /// Shows that the app has the secret. From now on signing in asks for a code. `INVALID_SECOND_FACTOR` when it does not
    /// fit.
    async fn confirm_second_factor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code.")] input: ConfirmSecondFactorInput,
    ) -> Result<ConfirmSecondFactorPayload> {
        let confirmed = second_factor::confirm(ctx.call()?, &input.totp_code).await;
        ConfirmSecondFactorPayload::from_outcome(confirmed)
    }

    /// Takes the second factor away. `INVALID_CREDENTIALS` when the password is wrong.
    async fn remove_second_factor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password.")] input: RemoveSecondFactorInput,
    ) -> Result<RemoveSecondFactorPayload> {
        let removed = second_factor::remove(ctx.call()?, input.password).await;
        RemoveSecondFactorPayload::from_outcome(removed)
    }
}
