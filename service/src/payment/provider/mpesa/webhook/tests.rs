//! How recorded messages are read, and what is not taken for one.

use chrono::{DateTime, Utc};
use entity::{Id, payment::PaymentId};

use super::*;

const NAME: &str = "ws_CO_191220191020363925";
const PAID: &str = include_str!("../fixtures/paid.json");
const REVERSED: &str = include_str!("../fixtures/reversed.json");
const CONFIRMATION: &str = include_str!("../fixtures/confirmation.json");

fn credentials() -> Credentials {
    let entered = json!({
        "consumerKey": "key", "consumerSecret": "secret", "shortCode": "174379",
        "passkey": "pass", "environment": "sandbox",
    });
    Credentials::read(&entered).unwrap()
}

fn delivered(path: &str, body: &str, own: bool) -> Result<Notice, WebhookError> {
    let headers = [(":path".to_owned(), path.to_owned())];
    let payment = own.then(|| PaymentId::from_uuid(uuid::Uuid::from_u128(7)));
    let (body, received_at) = (body.as_bytes(), DateTime::<Utc>::UNIX_EPOCH);
    read(&credentials(), &Delivery { headers: &headers, body, received_at, payment })
}

/// To the payment's own address.
fn told(body: &str) -> Notice {
    delivered("/webhooks/daraja/0f", body, true).unwrap()
}

fn kes(minor: i64) -> Money {
    Money::new(minor, "KES".parse().unwrap())
}

#[test]
fn a_paid_prompt_claims_amount_receipt_and_phone() {
    let claims = Claims {
        transaction: Some("NLJ7RT61SV".into()),
        amount: Some(kes(100)),
        payer: Some("+254708374149".into()),
    };
    let expected = About::Payment { reference: NAME.into(), claims };
    assert_eq!(told(PAID).about, expected);
    assert_eq!(told(PAID).event_type, "stkCallback.0");

    let mut other: Value = serde_json::from_str(PAID).unwrap();
    let prompt = &mut other["Body"]["stkCallback"];
    prompt["ResultCode"] = json!("0");
    prompt["CallbackMetadata"]["Item"].as_array_mut().unwrap().reverse();
    let other = told(&other.to_string());
    assert_eq!((other.about, other.event_id), (expected, told(PAID).event_id));
}

#[test]
fn a_prompt_that_failed_claims_nothing() {
    let notice = told(include_str!("../fixtures/canceled.json"));
    let expected = About::Payment { reference: NAME.into(), claims: Claims::default() };
    assert_eq!((notice.about, notice.event_type.as_str()), (expected, "stkCallback.1032"));
}

#[test]
fn a_masked_phone_claims_nothing() {
    let notice = told(&PAID.replace("254708374149", "\"2547****4149\""));
    let About::Payment { claims, .. } = notice.about else { panic!("{notice:?}") };
    assert_eq!((claims.payer, claims.amount), (None, Some(kes(100))));
}

#[test]
fn a_repetition_has_the_same_name_and_another_claim_has_not() {
    let name = told(PAID).event_id;
    assert_eq!(told(&PAID.replace("\n", "")).event_id, name);
    for other in
        [("1.00", "2.00"), ("NLJ7RT61SV", "NLJ7RT61SW"), ("\": 0,", "\": 1037,"), ("925", "926")]
    {
        assert_ne!(told(&PAID.replace(other.0, other.1)).event_id, name, "{other:?}");
    }
    assert!(!name.contains("2547"), "{name} tells the phone");
}

#[test]
fn a_reversal_is_told_by_its_result() {
    let refund = |body: &str| match told(body).about {
        About::Refund { reference, outcome } => (reference, outcome.unwrap()),
        other => panic!("{other:?}"),
    };
    let name = "f1e2-4b95-a71d-b30d3cdbb7a7735297".to_owned();
    assert_eq!(refund(REVERSED), (name.clone(), RefundOutcome::Completed));
    let with =
        |code: &str| REVERSED.replace(r#""ResultCode": 0"#, &format!(r#""ResultCode": {code}"#));
    assert_eq!(refund(&with(r#""R000001""#)).1, RefundOutcome::Completed);
    assert!(matches!(refund(&with(r#""R000002""#)).1, RefundOutcome::Failed(_)));
    let more = with("1").replace(r#""ResultType": 0"#, r#""ResultType": 1"#);
    assert_eq!(refund(&more).1, RefundOutcome::Processing);
    let late = delivered("/webhooks/daraja/0f/timeout", &with("1"), true).unwrap();
    let outcome = Some(RefundOutcome::Processing);
    assert_eq!(late.about, About::Refund { reference: name, outcome });
    assert_ne!(late.event_id, told(&with("1")).event_id);
}

#[test]
fn question_and_statement_are_told_apart_by_where_they_come_to() {
    let unasked = Unasked {
        transaction: "RKTQDM7W6S".into(),
        amount: kes(1_000),
        account_reference: "RIDE4711".into(),
        payer: Some("2547 ***** 149".into()),
    };
    let at = |path: &str| delivered(path, CONFIRMATION, false);
    let asked = at("/webhooks/daraja/0f/validation").unwrap();
    assert_eq!(asked.about, About::Question(unasked.clone()));
    let told = at("/webhooks/daraja/0f/confirmation").unwrap();
    assert_eq!(told.about, About::Unasked(unasked));
    assert_ne!(asked.event_id, told.event_id);
    assert!(matches!(at("/webhooks/daraja/0f"), Err(WebhookError::Unreadable(_))));
}

#[test]
fn what_comes_to_the_wrong_address_is_forged() {
    let forged = |path: &str, body: &str, own| {
        matches!(delivered(path, body, own), Err(WebhookError::Forged))
    };
    assert!(forged("/webhooks/daraja/0f", PAID, false));
    assert!(forged("/webhooks/daraja/0f", REVERSED, false));
    let other = CONFIRMATION.replace("174379", "174380");
    assert!(forged("/webhooks/daraja/0f/confirmation", &other, false));
    let own = delivered("/webhooks/daraja/0f/confirmation", CONFIRMATION, true);
    assert!(matches!(own, Err(WebhookError::Unreadable(_))));
}

#[test]
fn what_cannot_be_read_is_refused() {
    for body in ["", "[]", "{}", "null", r#"{"Body":{}}"#, r#"{"Body":{"stkCallback":{}}}"#] {
        let read = delivered("/webhooks/daraja/0f", body, true);
        assert!(matches!(read, Err(WebhookError::Unreadable(_))), "{body}");
    }
    for end in 0..PAID.trim_end().len() {
        let read = delivered("/webhooks/daraja/0f", &PAID[..end], true);
        assert!(matches!(read, Err(WebhookError::Unreadable(_))), "{end}");
    }
    for amount in ["1.005", "\"much\"", "1e30"] {
        let read = delivered("/webhooks/daraja/0f", &PAID.replace("1.00", amount), true);
        assert!(matches!(read, Err(WebhookError::Unreadable(_))), "{amount}");
    }
}

#[test]
fn daraja_hears_its_own_words() {
    let said = |verdict| {
        let reply = reply(&verdict);
        let body = reply.body.unwrap();
        (reply.status, body["ResultCode"].clone(), body["ResultDesc"].clone())
    };
    assert_eq!(said(Verdict::Kept), (200, json!(0), json!("Accepted")));
    assert_eq!(said(Verdict::Allowed), (200, json!("0"), json!("Accepted")));
    let refused = |why| said(Verdict::Refused(why)).1;
    assert_eq!(refused(Why::UnknownAccount), "C2B00012");
    assert_eq!(refused(Why::WrongAmount), "C2B00013");
    assert_eq!(said(Verdict::Refused(Why::Forged)), (400, json!("C2B00016"), json!("Rejected")));
}
