//! What GoCardless is sent, word for word.

use entity::{Id, money::Money};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Charge, ProviderError, Refund, Result, Schedule, SetUp, billing_request, check, flow, mandate,
    payment, refund, schedule,
};

fn id<T: Id>(number: u128) -> T {
    T::from_uuid(Uuid::from_u128(number))
}

fn money(minor: i64, currency: &str) -> Money {
    Money::new(minor, currency.parse().unwrap())
}

fn charge(amount: Money) -> Charge {
    Charge {
        payment: id(1),
        attempt: id(2),
        customer: id(3),
        amount,
        manual_capture: false,
        method: Some("MD1".to_owned()),
        off_session: true,
        return_url: None,
        callback_url: "https://shop.example/webhooks/gocardless/one".to_owned(),
        description: "é".repeat(120),
        account_reference: "RIDE12".to_owned(),
        asked_at: "2035-01-01T12:00:00Z".parse().unwrap(),
    }
}

fn set_up(name: &str, return_url: Option<String>) -> SetUp {
    SetUp {
        attempt: id(2),
        customer: id(3),
        currency: "EUR".parse().unwrap(),
        email: None,
        name: name.to_owned(),
        return_url,
    }
}

fn names() -> Value {
    json!({
        "payment": "payment_00000000000000000000000000000001",
        "attempt": "payment_attempt_00000000000000000000000000000002",
        "reference": "RIDE12",
    })
}

#[test]
fn a_payment_is_collected_under_its_mandate() {
    let body = payment(&charge(money(1_250, "GBP")), "MD1");
    let expected = json!({"payments": {
        "amount": 1250,
        "currency": "GBP",
        "description": "é".repeat(100),
        "metadata": names(),
        "links": {"mandate": "MD1"},
    }});
    assert_eq!(body, expected);
}

#[test]
fn a_payer_is_asked_for_the_payment_and_nothing_else() {
    let body = billing_request(&charge(money(1_250, "EUR")));
    let asked = &body["billing_requests"];
    assert_eq!(asked["payment_request"]["amount"], 1_250);
    assert_eq!(asked["payment_request"]["currency"], "EUR");
    assert_eq!((&asked["metadata"], &asked["mandate_request"]), (&names(), &Value::Null));
}

#[test]
fn only_what_banks_collect_is_asked_for() {
    let code = |result: Result<()>| match result {
        Err(ProviderError::Refused(decline)) => decline.code,
        other => panic!("{other:?}"),
    };
    for currency in ["AUD", "CAD", "DKK", "EUR", "GBP", "NZD", "SEK", "USD"] {
        assert!(check(&charge(money(1, currency))).is_ok(), "{currency}");
        assert_eq!(code(check(&charge(money(0, currency)))), "amount_too_small");
    }
    for currency in ["JPY", "KWD", "KES", "UGX"] {
        assert_eq!(code(check(&charge(money(500, currency)))), "currency_not_supported");
    }
    let held = Charge { manual_capture: true, ..charge(money(1, "EUR")) };
    assert!(matches!(check(&held), Err(ProviderError::Unsupported)));
}

#[test]
fn a_mandate_remembers_where_the_payer_comes_back_to() {
    let back = "https://shop.example/back".to_owned();
    let asked = mandate(&set_up("Ann", Some(back.clone()))).unwrap();
    let expected = json!({"billing_requests": {
        "mandate_request": {"currency": "EUR", "scheme": "sepa_core"},
        "metadata": {
            "customer": "customer_00000000000000000000000000000003",
            "attempt": "payment_attempt_00000000000000000000000000000002",
            "return_url": back,
        },
    }});
    assert_eq!(asked, expected);
    let long = format!("{back}?{}", "x".repeat(500));
    let asked = mandate(&set_up("Ann", Some(long))).unwrap();
    assert_eq!(asked["billing_requests"]["metadata"]["return_url"], Value::Null);
}

#[test]
fn a_page_knows_the_payer_and_the_way_back() {
    let body =
        flow("BRQ1", Some("https://shop.example/back"), Some(&set_up(" Ann van Dyke ", None)));
    let expected = json!({"billing_request_flows": {
        "links": {"billing_request": "BRQ1"},
        "lock_currency": true,
        "redirect_uri": "https://shop.example/back",
        "exit_uri": "https://shop.example/back",
        "prefilled_customer": {"given_name": "Ann van", "family_name": "Dyke"},
    }});
    assert_eq!(body, expected);
    let single = flow("BRQ1", None, Some(&set_up("Ann", None)));
    let known = &single["billing_request_flows"]["prefilled_customer"];
    assert_eq!(known, &json!({"given_name": "Ann"}));
}

#[test]
fn a_refund_confirms_the_total() {
    let asked = Refund {
        refund: id(4),
        payment: id(1),
        reference: "BRQ1".to_owned(),
        transaction: Some("PM1".to_owned()),
        amount: money(100, "GBP"),
        total: money(350, "GBP"),
        reason: None,
        callback_url: String::new(),
    };
    let expected = json!({"refunds": {
        "amount": 100,
        "total_amount_confirmation": 350,
        "metadata": {
            "refund": "refund_00000000000000000000000000000004",
            "payment": "payment_00000000000000000000000000000001",
        },
        "links": {"payment": "PM1"},
    }});
    assert_eq!(refund(&asked, "PM1").unwrap(), expected);
    assert!(refund(&Refund { amount: money(0, "GBP"), ..asked }, "PM1").is_err());
}

#[test]
fn a_schedule_sums_to_its_total() {
    let mut asked = Schedule {
        attempt: id(2),
        name: "Lease".to_owned(),
        method: "MD1".to_owned(),
        instalments: vec![
            ("2035-02-01".parse().unwrap(), money(3_334, "EUR")),
            ("2035-03-01".parse().unwrap(), money(3_333, "EUR")),
        ],
    };
    let expected = json!({"instalment_schedules": {
        "name": "Lease",
        "currency": "EUR",
        "total_amount": 6667,
        "instalments": [
            {"charge_date": "2035-02-01", "amount": 3334},
            {"charge_date": "2035-03-01", "amount": 3333},
        ],
        "metadata": {"attempt": "payment_attempt_00000000000000000000000000000002"},
        "links": {"mandate": "MD1"},
    }});
    assert_eq!(schedule(&asked).unwrap(), expected);
    asked.instalments.push(("2035-04-01".parse().unwrap(), money(i64::MAX, "EUR")));
    assert!(schedule(&asked).is_err());
}
