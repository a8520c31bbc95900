//! Access tokens: one algorithm, named keys that turn with an overlap, and nothing that a token says of itself is believed.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, Value, json, text,
};

async fn keys(app: &TestApp) -> Value {
    let answer =
        app.http().get(format!("{}/.well-known/jwks.json", app.url())).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

fn part(token: &str, number: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(number).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[rstest]
#[tokio::test]
async fn anybody_can_check_a_token_with_the_public_keys(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let token = fleet.token().unwrap();
    let header = part(&token, 0);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    let keys = keys(&app).await;
    let key =
        keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519")));
    let key = DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["bikelease"]);
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
}

/// `none`, another algorithm with our public key as its secret, another key; and, signed with the true key, another type,
/// issuer, audience or time.
#[rstest]
#[tokio::test]
async fn a_forged_token_is_none(#[values(Embedded, Production)] shape: Shape) {
    let secret = "a".repeat(20) + "bcdefghijklmnop";
    let app = TestApp::start_with(shape, &[("BIKELEASE_SECRET", &secret)]).await;
    let fleet = app.fleet("Velo Nord").await;
    let token = fleet.token().unwrap();
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let kid = text(&header["kid"]);
    let public =
        URL_SAFE_NO_PAD.decode(keys(&app).await["keys"][0]["x"].as_str().unwrap()).unwrap();
    let key = |seed: &[u8]| {
        let mut own = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        own.extend_from_slice(seed);
        EncodingKey::from_ed_der(&own)
    };
    // As the product derives it.
    let derivation = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let true_key = key(hmac::sign(&derivation, b"token").as_ref());
    let sign = |algorithm, kid: &str, kind: &str, claims: &Value, key: &EncodingKey| {
        let mut header = Header::new(algorithm);
        header.typ = Some(kind.to_owned());
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, claims, key).unwrap()
    };
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        sign(Algorithm::EdDSA, &kid, "at+jwt", &claims, &true_key)
    };
    let me = async |token: String| {
        app.anonymous(None).with_token(Some(token)).send("{ me { id } }", json!({})).await.body
    };
    let genuine = me(sign(Algorithm::EdDSA, &kid, "at+jwt", &claims, &true_key)).await;
    assert!(genuine["data"]["me"]["id"].is_string(), "the key is the true one: {genuine}");

    let unsigned = json!({"alg": "none", "typ": "at+jwt", "kid": kid});
    let unsigned = URL_SAFE_NO_PAD.encode(unsigned.to_string());
    let body = token.split('.').nth(1).unwrap();
    let (issued, hmac) = (claims["iat"].as_i64().unwrap(), EncodingKey::from_secret(&public));
    let forged = [
        format!("{unsigned}.{body}."),
        sign(Algorithm::HS256, &kid, "at+jwt", &claims, &hmac),
        sign(Algorithm::EdDSA, &kid, "at+jwt", &claims, &key(&[7; 32])),
        sign(Algorithm::EdDSA, "unknown", "at+jwt", &claims, &true_key),
        sign(Algorithm::EdDSA, &kid, "JWT", &claims, &true_key),
        with("iss", json!("somebody")),
        with("aud", json!("something")),
        with("exp", json!(issued)),
        with("iat", json!(issued + 3_600)),
        with("role", json!("customer")),
        with("sid", json!("session_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f")),
        with("tenant", json!("tenant_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f")),
    ];
    for token in forged {
        let answer = me(token.clone()).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
            "{token}: {answer}"
        );
    }
}

/// A refresh token is no access token, and the other way.
#[rstest]
#[tokio::test]
async fn the_two_kinds_of_tokens_are_not_swapped(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (access, refresh) = {
        let tokens = fleet.tokens.lock().unwrap();
        (tokens.access.clone(), tokens.refresh.clone())
    };
    let client = app.anonymous(None).with_token(refresh.clone());
    assert_eq!(client.send("{ me { id } }", json!({})).await.error(), "UNAUTHENTICATED");
    // What was never given out is nobody's stolen token: the session goes on.
    let made_up = format!("{}AAAA", &refresh.clone().unwrap()[..100]);
    let input = json!({"refreshToken": made_up});
    let answer = app.anonymous(None).mutate("refreshSession", "accessToken", input).await;
    assert_eq!(answer.code(), "INVALID_REFRESH_TOKEN");
    fleet.query("{ me { id } }", json!({})).await;
    let input = json!({"refreshToken": access});
    let answer = app.anonymous(None).mutate("refreshSession", "accessToken", input).await;
    assert_eq!(answer.code(), "INVALID_REFRESH_TOKEN");
}

/// Two nodes of one installation, while the secret is being replaced.
#[rstest]
#[tokio::test]
async fn a_new_secret_is_accepted_at_once_and_the_old_one_until_it_is_taken_out(
    #[values(Embedded, Production)] shape: Shape,
) {
    let (before, after) = ("a".repeat(20) + "bcdefghijklmnop", "z".repeat(20) + "yxwvutsrqponmlk");
    let old = TestApp::start_with(
        shape,
        &[("BIKELEASE_SECRET", &before), ("BIKELEASE_OTHER_SECRETS", &after)],
    )
    .await;
    let fleet = old.fleet("Velo Nord").await;
    let beside =
        [("BIKELEASE_SECRET", after.as_str()), ("BIKELEASE_OTHER_SECRETS", before.as_str())];
    let new = old.beside(&beside).await;
    let alone = old.beside(&[("BIKELEASE_SECRET", after.as_str())]).await;
    let document = "{ me { id } }";

    let old_token = fleet.token();
    let works = async |app: &TestApp, token: &Option<String>| {
        let client = app.anonymous(None).with_token(token.clone());
        client.send(document, json!({})).await.body.get("errors").is_none()
    };
    assert!(works(&new, &old_token).await);
    assert!(!works(&alone, &old_token).await);

    let email = super::email_of(&fleet).await;
    let signed_in = super::sign_in(&new, &fleet, &email, json!({})).await.ok();
    let new_token = Some(text(&signed_in["accessToken"]));
    assert!(works(&old, &new_token).await && works(&alone, &new_token).await);
    let input = json!({"refreshToken": signed_in["refreshToken"]});
    old.anonymous(None).mutate("refreshSession", "accessToken", input).await.ok();
    assert_eq!(keys(&new).await["keys"].as_array().unwrap().len(), 2);
    assert_eq!(keys(&alone).await["keys"].as_array().unwrap().len(), 1);
}
