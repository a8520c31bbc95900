//! How people prove who they are, and what keeps others from pretending.

mod administrator;
mod code;
mod cookie;
mod invitation;
mod limit;
mod mail;
mod oauth;
mod reset;
mod second_factor;
mod session;
mod sign_up;
mod team;
mod token;

use tests::{Client, Fleet, TestApp, Value, json, text};

const PASSWORD: &str = "correct horse";

/// The address that somebody signs in with.
async fn email_of(client: &Client) -> String {
    text(&client.query("{ me { email } }", json!({})).await["me"]["email"])
}

async fn id_of(client: &Client) -> String {
    text(&client.query("{ me { id } }", json!({})).await["me"]["id"])
}

/// What signing in answers.
async fn sign_in(app: &TestApp, fleet: &Fleet, email: &str, more: Value) -> tests::Answer {
    let mut input = json!({"tenant": fleet.slug, "email": email, "password": PASSWORD});
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    let fields = "accessToken refreshToken needsSecondFactor user { id }";
    app.anonymous(None).mutate("signIn", fields, input).await
}

/// Somebody with this token.
fn caller(app: &TestApp, payload: &Value) -> Client {
    app.anonymous(None).with_token(Some(text(&payload["accessToken"])))
}

/// Changes a setting of the tenant.
async fn set(fleet: &Fleet, setting: Value) {
    fleet.mutate("updateTenant", "tenant { id }", setting).await.ok();
}
