//! Receipts: what stands on them, for payments and for what goes back.

mod door;
mod mail;
mod number;

use entity::payment::{Purpose, State};
use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, Value, json, pdf,
    receipt::{Paid, pay, refund, turn},
    text,
};

const FIELDS: &str = "id number kind originalNumber issuedAt timeZone description providerReference
    total { amount currency } tax { amount } taxes { rate net { amount } amount { amount } }
    lines { kind text quantity amount { amount } } seller { name } buyer { name }
    customer { id } rental { id } paymentId refundId";

/// As its customer or staff see it.
async fn receipt(client: &tests::Client, id: &str) -> Value {
    let document = format!("query($id: ID!) {{ receipt(id: $id) {{ {FIELDS} }} }}");
    client.query(&document, json!({"id": id})).await["receipt"].clone()
}

fn lines(receipt: &Value) -> Vec<String> {
    let lines = receipt["lines"].as_array().unwrap().iter();
    let told =
        |line: &Value| format!("{} {}", text(&line["kind"]), text(&line["amount"]["amount"]));
    lines.map(told).collect()
}

#[rstest]
#[tokio::test]
async fn a_paid_rental_has_its_price_lines_on_its_receipt(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = fleet.ridden(&app).await;
    let paid = Paid::rental(&rider.customer, &rental, 550);
    let (payment, made) = pay(&fleet.system(), paid).await.unwrap();

    let seen = receipt(&rider, &made.id.to_string()).await;
    let name = text(&seen["buyer"]["name"]);
    let vehicle = text(&seen["description"]).replace("Rental of ", "");
    let vehicle = vehicle.split(',').next().unwrap().to_owned();
    assert_eq!(
        seen,
        json!({
            "id": made.id.to_string(), "number": "2035-000001", "kind": "PAYMENT", "originalNumber": null,
            "issuedAt": "2035-01-01T12:34:00Z", "timeZone": "Europe/Copenhagen",
            "description": format!("Rental of {vehicle}, 1 January 2035, 13:00\u{2009}–\u{2009}13:34"),
            "providerReference": payment.provider_transaction,
            "total": {"amount": "5.50", "currency": "EUR"}, "tax": {"amount": "1.10"},
            "taxes": [{"rate": "0.25", "net": {"amount": "4.40"}, "amount": {"amount": "1.10"}}],
            "lines": [
                {"kind": "UNLOCK", "text": "Unlocking", "quantity": null, "amount": {"amount": "1.00"}},
                {"kind": "MINUTES", "text": "Riding time", "quantity": 34, "amount": {"amount": "3.40"}},
                {"kind": "TAX", "text": "Tax 25\u{a0}%", "quantity": null, "amount": {"amount": "1.10"}},
            ],
            "seller": {"name": "Velo Nord"}, "buyer": {"name": name},
            "customer": {"id": rider.customer}, "rental": {"id": rental},
            "paymentId": payment.id.to_string(), "refundId": null,
        })
    );
    assert!(name.starts_with("Rider "), "{name}");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn parts_of_a_price_have_their_parts_of_the_tax(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = fleet.ridden(&app).await;
    let ctx = fleet.system();
    let mut told = Vec::new();
    for amount in [1, 332, 217] {
        let paid = Paid::rental(&rider.customer, &rental, amount);
        let (_, made) = pay(&ctx, paid).await.unwrap();
        assert_eq!(made.lines.0.iter().map(|line| line.amount_minor).sum::<i64>(), amount);
        told.push(lines(&receipt(&rider, &made.id.to_string()).await).join(", "));
    }
    assert_eq!(
        told,
        ["PART_PAYMENT 0.01", "PART_PAYMENT 2.65, TAX 0.67", "PART_PAYMENT 1.74, TAX 0.43"]
    );
    // What is beyond the price is not taxed; nor is what was paid for nothing in particular.
    let paid = Paid::rental(&rider.customer, &rental, 100);
    let (_, beyond) = pay(&ctx, paid).await.unwrap();
    assert_eq!(lines(&receipt(&rider, &beyond.id.to_string()).await), ["PART_PAYMENT 1.00"]);
    for (purpose, line) in [(Purpose::TopUp, "TOP_UP 7.00"), (Purpose::Balance, "BALANCE 7.00")] {
        let paid = Paid { purpose, ..Paid::top_up(&rider.customer, 700) };
        let (_, made) = pay(&ctx, paid).await.unwrap();
        let seen = receipt(&rider, &made.id.to_string()).await;
        assert_eq!((lines(&seen), &seen["taxes"]), (vec![line.to_owned()], &json!([])));
    }
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_deposit_that_is_kept_pays_the_rental_with_its_tax(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = fleet.ridden(&app).await;
    let ctx = fleet.system();
    let paid = Paid { purpose: Purpose::Deposit, ..Paid::rental(&rider.customer, &rental, 550) };
    let (_, made) = pay(&ctx, paid).await.unwrap();
    let seen = receipt(&rider, &made.id.to_string()).await;
    assert_eq!(lines(&seen), ["DEPOSIT 4.40", "TAX 1.10"]);
}

#[rstest]
#[tokio::test]
async fn refunds_name_the_receipt_that_they_take_back(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = fleet.ridden(&app).await;
    let ctx = fleet.system();
    let paid = Paid::rental(&rider.customer, &rental, 550);
    let (mut payment, original) = pay(&ctx, paid.clone()).await.unwrap();
    let mut told = Vec::new();
    for amount in [183, 184, 183] {
        let (after, made) = refund(&ctx, &payment, amount).await.unwrap();
        payment = after;
        let seen = receipt(&rider, &made.id.to_string()).await;
        assert_eq!(seen["originalNumber"], original.number);
        assert_eq!(seen["kind"], "REFUND");
        assert!(text(&seen["providerReference"]).starts_with("refund-"), "{seen}");
        assert!(text(&seen["refundId"]).starts_with("refund_"), "{seen}");
        told.push(format!("{} {}", text(&seen["number"]), lines(&seen).join(" ")));
    }
    assert_eq!(
        told,
        [
            "2035-000002 REFUND -1.46 TAX -0.37",
            "2035-000003 REFUND -1.48 TAX -0.36",
            "2035-000004 REFUND -1.46 TAX -0.37",
        ]
    );
    // All of it was given back: paid again, it is a whole price again.
    let (_, again) = pay(&ctx, Paid { reference: "again".to_owned(), ..paid }).await.unwrap();
    assert_eq!(again.lines, original.lines);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn what_a_provider_takes_back_has_a_counter_document(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = fleet.ridden(&app).await;
    let ctx = fleet.system();
    let paid = Paid::rental(&rider.customer, &rental, 550);
    let (payment, _) = pay(&ctx, paid).await.unwrap();
    let (payment, _) = refund(&ctx, &payment, 275).await.unwrap();
    let mut told = Vec::new();
    for state in [State::Reversed, State::Completed, State::Reversed] {
        let made = turn(&ctx, &payment, state).await.unwrap();
        app.assert_sound().await;
        let seen = receipt(&fleet, &made.id.to_string()).await;
        told.push(format!("{} {}", text(&seen["originalNumber"]), lines(&seen).join(" ")));
        // Twice the same is refused, whatever else was in that write.
        assert!(turn(&ctx, &payment, state).await.unwrap_err().is_defect());
    }
    assert_eq!(
        told,
        [
            "2035-000001 REVERSAL -2.20 TAX -0.55",
            "2035-000001 REINSTATEMENT 2.20 TAX 0.55",
            "2035-000001 REVERSAL -2.20 TAX -0.55",
        ]
    );
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_list_by_customer_kind_year_and_time(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ctx = fleet.system();
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let (first, _) = pay(&ctx, Paid::top_up(&ann.customer, 100)).await.unwrap();
    pay(&ctx, Paid::top_up(&ben.customer, 200)).await.unwrap();
    app.advance(chrono::Duration::hours(1));
    refund(&ctx, &first, 40).await.unwrap();
    let found = async |client: &tests::Client, filter: Value| -> Vec<String> {
        let document = "query($filter: ReceiptFilter) { receipts(filter: $filter) {
            totalCount nodes { number } } }";
        let found = client.query(document, json!({"filter": filter})).await["receipts"].clone();
        let numbers = found["nodes"].as_array().unwrap().iter();
        let numbers: Vec<_> =
            numbers.map(|receipt| text(&receipt["number"])[8..].to_owned()).collect();
        assert_eq!(found["totalCount"], numbers.len());
        numbers
    };
    for (filter, numbers) in [
        (json!({}), vec!["003", "002", "001"]),
        (json!({"customerId": ben.customer}), vec!["002"]),
        (json!({"paymentId": first.id.to_string()}), vec!["003", "001"]),
        (json!({"kind": "REFUND"}), vec!["003"]),
        (json!({"number": "2035-000002"}), vec!["002"]),
        (json!({"year": 2034}), vec![]),
        (json!({"year": 2035, "issuedFrom": "2035-01-01T13:00:00Z"}), vec!["003"]),
        (json!({"issuedBefore": "2035-01-01T13:00:00Z"}), vec!["002", "001"]),
    ] {
        assert_eq!(found(&fleet, filter.clone()).await, numbers, "{filter}");
    }
    assert_eq!(found(&ann, json!({})).await, ["003", "001"]);
    assert_eq!(found(&ann, json!({"customerId": ben.customer})).await, Vec::<String>::new());
    let own = "{ me { customer { receipts(first: 1) { totalCount nodes { number } pageInfo { endCursor } } } } }";
    let page = ann.query(own, json!({})).await["me"]["customer"]["receipts"].clone();
    assert_eq!(
        (&page["totalCount"], &page["nodes"][0]["number"]),
        (&json!(2), &json!("2035-000003"))
    );
}

#[rstest]
#[tokio::test]
async fn the_pdf_says_what_the_receipt_says(#[values(Embedded)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = fleet.ridden(&app).await;
    let update = json!({"customerId": rider.customer, "name": "श्रीमती लक्ष्मी O'Brien (Ltd)"});
    fleet.mutate("updateCustomer", "__typename", update).await.ok();
    let ctx = fleet.system();
    let (payment, receipt) = pay(&ctx, Paid::rental(&rider.customer, &rental, 550)).await.unwrap();
    let said = pdf::texts(&service::receipt::pdf::render(&receipt).unwrap());
    for words in [
        "Velo Nord",
        "RECEIPT",
        "2035-000001",
        "श्रीमती लक्ष्मी O'Brien (Ltd)",
        "1 January 2035, 13:34 CET",
        receipt.description.as_str(),
        payment.provider_transaction.as_deref().unwrap(),
        "Riding time",
        "34\u{a0}min",
        "3.40",
        "4.40",
        "Tax, 25\u{a0}% of 4.40",
        "1.10",
        "EUR\u{a0}5.50",
        "Page 1 of 1",
    ] {
        assert!(said.iter().any(|text| text == words), "{words:?} is not in {said:?}");
    }
    let (_, back) = refund(&ctx, &payment, 275).await.unwrap();
    let said = pdf::texts(&service::receipt::pdf::render(&back).unwrap());
    for words in
        ["REFUND", "2035-000002", "Refund of receipt", "2035-000001", "EUR\u{a0}\u{2212}2.75"]
    {
        assert!(said.iter().any(|text| text == words), "{words:?} is not in {said:?}");
    }
}
