//! Logins, invitations and tenants in the audit log: what is done with them, and by whom, also by who only shows a link.

use entity::user::Role;
use rstest::rstest;
use service::tenant::administrator::{self, PLATFORM_SLUG};
use tests::{
    Client,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, key, text,
};
use totp_rs::{Algorithm, Secret, TOTP};

use crate::audit::{changes, lines, post};

const PASSWORD: &str = "correct horse";
const NEW: &str = "battery staple";

/// Calls a mutation, which must succeed, and gives its payload and the line that tells of it.
async fn told(
    caller: &Client,
    reader: &Client,
    (mutation, fields, action): (&str, &str, &str),
    input: Value,
) -> (Value, Value) {
    let request = format!("people-{}", key());
    let (head, rest) = mutation.split_at(1);
    let input_type = format!("{}{rest}Input", head.to_uppercase());
    let document = if input.is_null() {
        format!("mutation {{ {mutation} {{ {fields} userErrors {{ code message }} }} }}")
    } else {
        format!(
            "mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ code message }} }} }}"
        )
    };
    let answer = post(caller, &request, &document, json!({"input": input})).await;
    let payload = answer["data"][mutation].clone();
    assert_eq!(payload["userErrors"], json!([]), "{mutation}: {answer:#}");
    let found = lines(reader, json!({"requestId": request})).await;
    let line = found.iter().find(|line| line["action"] == action);
    let line = line.unwrap_or_else(|| panic!("{mutation} left no {action}: {found:#?}"));
    assert_eq!(line["address"], "127.0.0.1");
    (payload, line.clone())
}

async fn me(client: &Client) -> Value {
    client.query("{ me { id sessions { id } } }", json!({})).await["me"].clone()
}

/// The secret in the newest message to an address, after these words.
async fn sent(app: &TestApp, to: &str, after: &str) -> String {
    let outbox = app.node.app.outbox.clone().unwrap();
    for _ in 0..500 {
        let messages = outbox.messages();
        let message = messages.iter().map(|(_, message)| message).find(|m| m.to.address() == to);
        let found = message.and_then(|message| {
            let (_, rest) = message.text.split_once(after)?;
            rest.split_whitespace().next().map(ToOwned::to_owned)
        });
        if let Some(found) = found {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("nothing was sent to {to}: {:#?}", outbox.messages())
}

#[rstest]
#[tokio::test]
async fn what_owners_do_with_others_is_told(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ben = fleet.colleague(&app, Role::Staff).await;
    let ben = me(&ben).await["id"].clone();
    let invite = ("inviteUser", "invitation { id }", "invitation.create");
    let input = json!({"email": "dora@example.com", "role": "STAFF"});
    let (payload, line) = told(&fleet, &fleet, invite, input).await;
    let invitation = payload["invitation"]["id"].clone();
    assert_eq!(line["subjectId"], invitation);
    let shown = changes(&line);
    assert!(shown.contains(&"email: null -> d…@example.com".to_owned()), "{shown:#?}");
    assert!(shown.contains(&"secretSha256: null -> ***".to_owned()), "{shown:#?}");
    let revoke = ("revokeInvitation", "invitation { id }", "invitation.revoke");
    told(&fleet, &fleet, revoke, json!({"invitationId": invitation})).await;

    let update = ("updateTenant", "tenant { id }", "tenant.update");
    let (_, line) = told(&fleet, &fleet, update, json!({"graceSeconds": 90})).await;
    assert_eq!(changes(&line), ["graceSeconds: 60 -> 90"]);

    for (mutation, action, change) in [
        ("updateUser", "user.update", Some("role: staff -> accountant")),
        ("disableUser", "user.disable", Some("disabledAt: null -> 2035-01-01T12:00:00Z")),
        ("enableUser", "user.enable", Some("disabledAt: 2035-01-01T12:00:00Z -> null")),
        ("signOutUser", "user.sign_out", None),
        ("resetSecondFactor", "user.reset_second_factor", None),
    ] {
        let mut input = json!({"userId": ben});
        if mutation == "updateUser" {
            input["role"] = json!("ACCOUNTANT");
        }
        let (_, line) = told(&fleet, &fleet, (mutation, "user { id }", action), input).await;
        assert_eq!(line["subjectId"], ben, "{mutation}");
        assert_eq!(changes(&line), change.into_iter().collect::<Vec<_>>(), "{mutation}");
    }
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn what_people_do_with_their_own_login_is_told(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ann = fleet.colleague(&app, Role::Staff).await;
    let id = me(&ann).await["id"].clone();
    let document = "mutation { requestVerification(input: {email: \"ann@example.com\", currentPassword: \"correct horse\"}) { accepted } }";
    ann.query(document, json!({})).await;
    let code = sent(&app, "ann@example.com", "").await;
    let verify = ("verifyContact", "user { id }", "user.verify_contact");
    let input = json!({"email": "ann@example.com", "code": code});
    let (_, line) = told(&ann, &fleet, verify, input).await;
    assert_eq!(line["subjectId"], id);
    let shown = changes(&line);
    assert!(shown.contains(&"email: u…@example.test -> a…@example.com".to_owned()), "{shown:#?}");

    let set_up = ("setUpSecondFactor", "setup { secret }", "user.set_up_second_factor");
    let (payload, line) = told(&ann, &fleet, set_up, Value::Null).await;
    assert_eq!(changes(&line), ["totpSecret: null -> ***"]);
    let secret = Secret::Encoded(text(&payload["setup"]["secret"])).to_bytes().unwrap();
    let totp = TOTP::new(Algorithm::SHA1, 6, 1, 30, secret).unwrap();
    let now = u64::try_from(app.node.app.now().timestamp()).unwrap();
    let confirm = ("confirmSecondFactor", "user { id }", "user.confirm_second_factor");
    let input = json!({"totpCode": totp.generate(now)});
    let (_, line) = told(&ann, &fleet, confirm, input).await;
    assert_eq!(changes(&line), ["totpConfirmedAt: null -> 2035-01-01T12:00:00Z"]);
    let remove = ("removeSecondFactor", "user { id }", "user.remove_second_factor");
    let (_, line) = told(&ann, &fleet, remove, json!({"password": PASSWORD})).await;
    let gone = ["totpConfirmedAt: 2035-01-01T12:00:00Z -> null", "totpSecret: *** -> null"];
    assert_eq!(changes(&line), gone);

    let change = ("changePassword", "user { id }", "user.change_password");
    let input = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    let (_, line) = told(&ann, &fleet, change, input).await;
    assert_eq!(changes(&line), ["passwordHash: *** -> ***"]);

    let one = fleet.colleague(&app, Role::Staff).await;
    let session = me(&one).await["sessions"][0]["id"].clone();
    let revoke = ("revokeSession", "signedOut", "session.revoke");
    let (_, line) = told(&one, &fleet, revoke, json!({"sessionId": session})).await;
    assert_eq!(line["subjectId"], session);
    let all = fleet.colleague(&app, Role::Staff).await;
    let id = me(&all).await["id"].clone();
    let everywhere = ("signOutEverywhere", "signedOut", "user.sign_out_everywhere");
    let (_, line) = told(&all, &fleet, everywhere, Value::Null).await;
    assert_eq!(line["subjectId"], id);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn who_shows_what_was_sent_to_them_is_known_by_it(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let address = "eve@example.com";
    let input = json!({"email": address, "role": "ADMIN"});
    fleet.mutate("inviteUser", "invitation { id }", input).await.ok();
    let token = sent(&app, address, "/accept-invitation?token=").await;
    let accept = ("acceptInvitation", "user { id }", "user.create");
    let input = json!({"token": token, "name": "Eve Example", "password": PASSWORD});
    let (payload, line) = told(&fleet, &fleet, accept, input).await;
    let eve = payload["user"]["id"].clone();
    assert_eq!((&line["actorId"], &line["subjectId"]), (&eve, &eve));
    assert_eq!((&line["actorKind"], &line["actorRole"]), (&json!("STAFF"), &json!("ADMIN")));

    let document = "mutation($input: RequestPasswordResetInput!) {
        requestPasswordReset(input: $input) { userErrors { code } } }";
    let input = json!({"tenant": fleet.slug, "email": address});
    fleet.query(document, json!({"input": input})).await;
    let token = sent(&app, address, "/reset-password?token=").await;
    let reset = ("resetPassword", "reset", "user.reset_password");
    let input = json!({"token": token, "password": NEW});
    let (_, line) = told(&fleet, &fleet, reset, input).await;
    assert_eq!((&line["actorId"], &line["subjectId"]), (&eve, &eve));
    assert_eq!(changes(&line), ["passwordHash: *** -> ***"]);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn what_the_platform_does_to_a_tenant_is_in_that_tenants_log(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (email, password) = ("root@platform.example", PASSWORD);
    let appoint = administrator::appoint;
    appoint(&app.node.app, email.into(), "Root".into(), password.into()).await.unwrap();
    let document = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = json!({"tenant": PLATFORM_SLUG, "email": email, "password": password});
    let signed_in = app.anonymous(None).query(document, json!({"input": input})).await;
    let token = text(&signed_in["signIn"]["accessToken"]);
    let root = app.anonymous(None).with_token(Some(token));

    // Who reads it must be able to: the line of a suspension is read after it.
    let document = "mutation($input: SuspendTenantInput!) {
        suspendTenant(input: $input) { userErrors { code } } }";
    let tenant = json!({"tenantId": fleet.tenant.id.to_string()});
    post(&root, "suspension", document, json!({"input": tenant})).await;
    let resume = ("resumeTenant", "tenant { id }", "tenant.resume");
    let (_, line) = told(&root, &fleet, resume, tenant).await;
    assert_eq!(changes(&line), ["suspendedAt: 2035-01-01T12:00:00Z -> null"]);
    assert_eq!(
        (&line["actorKind"], &line["actorRole"]),
        (&json!("PLATFORM"), &json!("ADMINISTRATOR"))
    );
    let suspended = lines(&fleet, json!({"requestId": "suspension"})).await;
    assert_eq!(suspended[0]["action"], "tenant.suspend");
    assert_eq!(suspended[0]["actorId"], me(&root).await["id"]);

    let slug = format!("new-{}", key());
    let document = "mutation($input: CreateTenantInput!) {
        createTenant(input: $input) { tenant { id } userErrors { code message } } }";
    let input =
        json!({"slug": slug, "name": "New", "timeZone": "Europe/Copenhagen", "currency": "EUR"});
    let answer = post(&root, "creation", document, json!({"input": input})).await;
    let tenant = answer["data"]["createTenant"]["tenant"]["id"].clone();
    assert!(tenant.is_string(), "{answer:#}");
    let first = app.owner_of(&slug).await;
    let created = lines(&first, json!({"requestId": "creation"})).await;
    assert_eq!(
        (&created[0]["action"], &created[0]["subjectId"]),
        (&json!("tenant.create"), &tenant)
    );
    assert_eq!(lines(&fleet, json!({"requestId": "creation"})).await, [Value::Null; 0]);
    app.assert_sound().await;
}
