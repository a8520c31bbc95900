//! What is asked of Daraja, and how its recorded answers are read.

use chrono::DateTime;
use entity::{
    Id, customer::CustomerId, payment::PaymentId, payment_attempt::AttemptId, refund::RefundId,
};
use reqwest::StatusCode;
use serde_json::json;

use super::*;

fn credentials(more: Value) -> Credentials {
    let mut entered = json!({
        "consumerKey": "key", "consumerSecret": "secret", "shortCode": "174379",
        "passkey": "pass", "environment": "sandbox",
    });
    for (name, value) in more.as_object().unwrap() {
        entered[name] = value.clone();
    }
    Credentials::read(&entered).unwrap()
}

fn now() -> DateTime<Utc> {
    "2021-06-28T06:24:08Z".parse().unwrap()
}

fn kes(minor: i64) -> Money {
    Money::new(minor, "KES".parse().unwrap())
}

fn charge() -> Charge {
    let id = uuid::Uuid::from_u128(7);
    Charge {
        payment: PaymentId::from_uuid(id),
        attempt: AttemptId::from_uuid(id),
        customer: CustomerId::from_uuid(id),
        amount: kes(100),
        manual_capture: false,
        method: Some("+254722000000".into()),
        off_session: false,
        return_url: None,
        callback_url: "https://bikes.example/webhooks/daraja/0f".into(),
        description: "Ride: Haile Selassie".into(),
        account_reference: "RIDE4711".into(),
        asked_at: now(),
    }
}

fn refund() -> Refund {
    Refund {
        refund: RefundId::from_uuid(uuid::Uuid::from_u128(8)),
        payment: charge().payment,
        reference: "ws_CO_1".into(),
        transaction: Some("NLJ7RT61SV".into()),
        amount: kes(100),
        total: kes(100),
        reason: Some("Flat tyre, sorry!".into()),
        callback_url: charge().callback_url,
    }
}

fn answered(status: u16, body: impl Into<String>) -> Answered {
    let status = StatusCode::from_u16(status).unwrap();
    Answered { status, headers: Default::default(), body: body.into().into_bytes() }
}

fn code<T>(result: Result<T>) -> String {
    match result.err() {
        Some(ProviderError::Refused(decline)) => decline.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_prompt_is_asked_for_as_daraja_documents_it() {
    let charge = charge();
    let push = Push::new(&credentials(json!({})), &charge, now()).unwrap();
    let password = STANDARD.encode("174379pass20210628092408");
    let expected = json!({
        "BusinessShortCode": 174379,
        "Password": password,
        "Timestamp": "20210628092408",
        "TransactionType": "CustomerPayBillOnline",
        "Amount": "1",
        "PartyA": "254722000000",
        "PartyB": "174379",
        "PhoneNumber": "254722000000",
        "CallBackURL": "https://bikes.example/webhooks/daraja/0f",
        "AccountReference": "RIDE4711",
        "TransactionDesc": "Ride Haile Se",
    });
    assert_eq!(serde_json::to_value(push).unwrap(), expected);
}

#[test]
fn a_till_gets_goods_paid() {
    let credentials = credentials(json!({"tillNumber": "5678901"}));
    let charge = charge();
    let push = serde_json::to_value(Push::new(&credentials, &charge, now()).unwrap()).unwrap();
    assert_eq!(push["TransactionType"], "CustomerBuyGoodsOnline");
    assert_eq!((&push["BusinessShortCode"], &push["PartyB"]), (&json!(174379), &json!("5678901")));
}

#[test]
fn a_reversal_is_asked_for_as_daraja_documents_it() {
    let entered = json!({"initiator": "api", "securityCredential": "sealed=="});
    let (credentials, refund) = (credentials(entered), refund());
    let initiator = credentials.initiator.as_ref().unwrap();
    let expected = json!({
        "Initiator": "api",
        "SecurityCredential": "sealed==",
        "CommandID": "TransactionReversal",
        "TransactionID": "NLJ7RT61SV",
        "Amount": "1",
        "ReceiverParty": "174379",
        "RecieverIdentifierType": "11",
        "ResultURL": "https://bikes.example/webhooks/daraja/0f",
        "QueueTimeOutURL": "https://bikes.example/webhooks/daraja/0f/timeout",
        "Remarks": "Flat tyre sorry",
    });
    let reversal = Reversal::new(&credentials, initiator, &refund).unwrap();
    assert_eq!(serde_json::to_value(reversal).unwrap(), expected);
    let untold = Refund { transaction: None, reason: None, ..refund };
    assert_eq!(code(Reversal::new(&credentials, initiator, &untold)), "receipt_unknown");
}

#[test]
fn the_tenants_address_is_told_in_two_parts() {
    let url = "https://bikes.example/webhooks/daraja/0f/";
    let registration = Registration::new(&credentials(json!({})), url).unwrap();
    let expected = json!({
        "ShortCode": 174379,
        "ResponseType": "Cancelled",
        "ConfirmationURL": "https://bikes.example/webhooks/daraja/0f/confirmation",
        "ValidationURL": "https://bikes.example/webhooks/daraja/0f/validation",
    });
    assert_eq!(serde_json::to_value(registration).unwrap(), expected);
}

#[test]
fn only_whole_shillings_within_limits_are_asked_for() {
    assert_eq!(Shillings::of(kes(100)).unwrap(), Shillings(1));
    assert_eq!(Shillings::of(kes(25_000_000)).unwrap(), Shillings(250_000));
    let refused =
        |minor, code_of: &str| code(Shillings::of(Money::new(minor, code_of.parse().unwrap())));
    assert_eq!(refused(25_000_100, "KES"), "amount_too_large");
    assert_eq!(refused(i64::MAX - 7, "KES"), "amount_too_large");
    assert_eq!(refused(150, "KES"), "whole_shillings_only");
    assert_eq!(refused(0, "KES"), "amount_too_small");
    assert_eq!(refused(-100, "KES"), "amount_too_small");
    for other in ["UGX", "JPY", "KWD", "EUR"] {
        assert_eq!(refused(100, other), "currency_not_supported");
    }
}

#[test]
fn what_daraja_would_not_take_is_not_sent() {
    let credentials = credentials(json!({}));
    let asked = |change: &dyn Fn(&mut Charge)| {
        let mut charge = charge();
        change(&mut charge);
        code(Push::new(&credentials, &charge, now()))
    };
    assert_eq!(asked(&|charge| charge.method = None), "phone_missing");
    for phone in ["0722000000", "+25472200000", "+2547220000000", "+254222000000", "+15005550006"] {
        assert_eq!(asked(&|charge| charge.method = Some(phone.into())), "phone_not_supported");
    }
    for word in ["mpesa", "M-PESA", "Safaricom", "exec", "exe", "cmd", "sql", "query"] {
        let url = format!("https://bikes.example/{word}/0f");
        assert_eq!(
            asked(&|charge| charge.callback_url.clone_from(&url)),
            "callback_url_not_allowed"
        );
    }
    assert_eq!(asked(&|charge| charge.amount = kes(1)), "whole_shillings_only");
}

#[test]
fn a_token_is_read_with_its_life_as_text_or_number() {
    let issued =
        |body: &str| issued(&answered(200, body)).map(|issued| (issued.token, issued.seconds));
    let token = "c9SQxWWhmdVRlyh0zh8gZDTkubVF".to_owned();
    assert_eq!(issued(include_str!("../fixtures/token.json")).unwrap(), (token, 3_599));
    assert_eq!(issued(r#"{"access_token":"t","expires_in":60}"#).unwrap(), ("t".into(), 60));
    assert_eq!(issued(r#"{"access_token":"t"}"#).unwrap(), ("t".into(), 3_599));
    assert!(matches!(issued("{}"), Err(ProviderError::Nonsense(_))));
    let refused = super::issued(&answered(400, r#"{"errorCode":"400.008.01"}"#));
    assert!(matches!(refused, Err(ProviderError::Credentials)));
    assert!(matches!(super::issued(&answered(503, "")), Err(ProviderError::Unavailable(_))));
}

#[test]
fn a_prompt_that_was_taken_has_a_name() {
    let body = include_str!("../fixtures/pushed.json");
    assert_eq!(pushed(&answered(200, body)).unwrap(), "ws_CO_191220191020363925");
    for lost in [body.replace("CheckoutRequestID", "Other"), "cut of".into(), "{}".into()] {
        assert!(matches!(pushed(&answered(200, lost)), Err(ProviderError::Lost(_))));
    }
    let other = body.replace(r#"Code": "0""#, r#"Code": "1""#);
    assert_eq!(code(pushed(&answered(200, other))), "response_1");
    assert_eq!(
        reversing(&answered(200, include_str!("../fixtures/reversing.json"))).unwrap(),
        "f1e2-4b95-a71d-b30d3cdbb7a7735297"
    );
}

#[test]
fn a_query_tells_the_outcome_of_its_own_prompt() {
    let name = "ws_CO_13012021093521236557";
    let body = include_str!("../fixtures/queried.json");
    assert_eq!(queried(&answered(200, body), name).unwrap(), Outcome::Completed);
    let with =
        |code: &str| body.replace(r#""ResultCode": "0""#, &format!(r#""ResultCode": {code}"#));
    assert_eq!(queried(&answered(200, with("0")), name).unwrap(), Outcome::Completed);
    assert_eq!(queried(&answered(200, with("\"4999\"")), name).unwrap(), Outcome::Processing);
    assert_eq!(queried(&answered(200, with("1037")), name).unwrap(), Outcome::Expired);
    let declined = queried(&answered(200, with("\"1\"")), name).unwrap();
    assert!(matches!(declined, Outcome::Declined(decline) if decline.code == "insufficient_funds"));
    for nonsense in [with("null"), with("{}")] {
        let result = queried(&answered(200, nonsense), name);
        assert!(matches!(result, Err(ProviderError::Nonsense(_))));
    }
    let other = queried(&answered(200, body), "ws_CO_other");
    assert!(matches!(other, Err(ProviderError::Nonsense(_))));
}

#[test]
fn a_query_without_an_outcome_decides_nothing() {
    let open = answered(500, include_str!("../fixtures/processing.json"));
    assert_eq!(queried(&open, "ws_CO_1").unwrap(), Outcome::Processing);
    let invalid = |what: &str| {
        let message = format!("Bad Request - Invalid {what}");
        let body = json!({"errorCode": "400.002.02", "errorMessage": message});
        queried(&answered(400, body.to_string()), "ws_CO_1")
    };
    assert_eq!(invalid("CheckoutRequestID").unwrap(), Outcome::Expired);
    assert_eq!(code(invalid("BusinessShortCode")), "invalid_business_short_code");
    assert!(matches!(queried(&answered(502, "<html>"), "x"), Err(ProviderError::Lost(_))));
}

#[test]
fn the_gate_speaks_in_other_words() {
    let body = json!({"fault": {
        "faultstring": "Spike arrest violation. Allowed rate : MessageRate{capacity=1}",
        "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"},
    }});
    let spike = pushed(&answered(500, body.to_string()));
    assert!(matches!(spike, Err(ProviderError::Unavailable(_))));
    let token =
        r#"{"requestId":"1","errorCode":"404.001.03","errorMessage":"Invalid Access Token"}"#;
    assert!(is_not_let_in(&answered(404, token)));
    assert!(is_not_let_in(&answered(401, "")));
    assert!(!is_not_let_in(&answered(404, r#"{"errorCode":"404.001.01"}"#)));
}
