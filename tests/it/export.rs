//! The ledger as files: what is in them parses back, and who may not have them gets none.

use entity::user::Role;
use rstest::rstest;
use tests::{
    Client,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, text,
};

use super::account::ride;

async fn get(app: &TestApp, caller: Option<&Client>, path: &str) -> reqwest::Response {
    let mut request = app.http().get(format!("{}{path}", app.url()));
    if let Some(token) = caller.and_then(Client::token) {
        request = request.bearer_auth(token);
    }
    request.send().await.unwrap()
}

/// Rows by the names of their columns.
async fn rows(app: &TestApp, caller: &Client, path: &str) -> Vec<Value> {
    let answer = get(app, Some(caller), path).await;
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(header("content-disposition").starts_with("attachment; filename="));
    let text = answer.text().await.unwrap();
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().unwrap().clone();
    let row = |row: csv::StringRecord| -> Value {
        names.iter().zip(row.iter()).map(|(name, cell)| (name.to_owned(), json!(cell))).collect()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

#[rstest]
#[tokio::test]
async fn transfers_parse_back_from_a_file(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ann = fleet.rider(&app).await;
    let rental = ride(&app, &fleet, &ann).await;
    let accountant = fleet.colleague(&app, Role::Accountant).await;

    let found =
        rows(&app, &accountant, "/exports/transfers.csv?from=2035-01-01&to=2035-01-01").await;
    let column = |name: &str| -> Vec<String> { found.iter().map(|row| text(&row[name])).collect() };
    assert_eq!(column("amount"), ["1.00", "1.20", "0.55"]);
    assert_eq!(column("credit_kind"), ["revenue_unlock", "revenue_minutes", "tax"]);
    assert_eq!(column("debit_holder"), [ann.customer.as_str(); 3]);
    assert_eq!(column("rental"), [rental.as_str(); 3]);
    assert_eq!(column("date"), ["2035-01-01"; 3]);
    assert_eq!(column("created_at"), ["2035-01-01T12:12:00Z"; 3]);
    assert_eq!(column("ends"), [""; 3]);
    assert!(rows(&app, &accountant, "/exports/transfers.csv?from=2035-01-02").await.is_empty());
    assert_eq!(rows(&app, &accountant, "/exports/transfers.csv").await, found);

    let document = "query($id: ID!) { accounts(filter: {customerId: $id}) { nodes { id } } }";
    let account = fleet.query(document, json!({"id": ann.customer})).await;
    let account = text(&account["accounts"]["nodes"][0]["id"]);
    let lines = rows(&app, &accountant, &format!("/exports/accounts/{account}.csv")).await;
    let column = |name: &str| -> Vec<String> { lines.iter().map(|row| text(&row[name])).collect() };
    assert_eq!(column("debit"), ["1.00", "1.20", "0.55"]);
    assert_eq!(column("credit"), [""; 3]);
    assert_eq!(column("balance"), ["1.00", "2.20", "2.75"]);
    assert_eq!(column("counter_kind"), ["revenue_unlock", "revenue_minutes", "tax"]);
}

/// More than one read, and the balance runs through.
#[rstest]
#[tokio::test]
async fn a_long_file_has_every_row_once(#[values(Embedded, Production)] shape: Shape) {
    use entity::{Id, money::Money, payment::Provider, transfer::Kind};
    use service::ledger::{self, Entry, Purse};
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ann = fleet.rider(&app).await.customer.parse().unwrap();
    let yen = "JPY".parse().unwrap();
    let entries: Vec<Entry> = (0..2_500)
        .map(|number| Entry {
            debit: Purse::clearing(Provider::Cash),
            credit: Purse::wallet(ann),
            amount: Money::new(number + 1, yen),
            kind: Kind::TopUp,
            reference: format!("=cmd({number})"),
            rental: None,
            payment: None,
        })
        .collect();
    let ctx = fleet.system();
    let entries = &entries;
    ctx.write(|tx| async move { ledger::post(&tx, entries).await }).await.unwrap();

    let wallet =
        ledger::find(ctx.reader(), ctx.tenant, Purse::wallet(ann), yen).await.unwrap().unwrap();
    let path = format!("/exports/accounts/{}.csv?to=2035-01-01", wallet.id);
    let found = rows(&app, &fleet, &path).await;
    assert_eq!(found.len(), 2_500);
    let mut sum = 0_i64;
    for (number, row) in found.iter().enumerate() {
        // A spreadsheet shows it, and does not run it.
        assert_eq!(row["reference"], json!(format!("'=cmd({number})")));
        sum += text(&row["credit"]).parse::<i64>().unwrap();
        assert_eq!(row["balance"], json!(sum.to_string()));
    }
    assert_eq!(wallet.balance(), Money::new(sum, yen));
    assert!(wallet.id.uuid().get_version_num() == 7);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_exported_is_said_plainly(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let (fleet, other) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let ann = fleet.rider(&app).await;
    ride(&app, &fleet, &ann).await;
    let document = "{ accounts(first: 1) { nodes { id } } }";
    let account = fleet.query(document, json!({})).await;
    let account = format!("/exports/accounts/{}.csv", text(&account["accounts"]["nodes"][0]["id"]));
    let staff = fleet.staff(&app).await;
    let all = "/exports/transfers.csv";

    let refused = async |caller: Option<&Client>, path: &str| {
        let answer = get(&app, caller, path).await;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (status, text(&body["errors"][0]["extensions"]["code"]))
    };
    let is = |status: u16, code: &str| (status, code.to_owned());
    for path in [all, &account] {
        assert_eq!(refused(None, path).await, is(401, "UNAUTHENTICATED"));
        assert_eq!(refused(Some(&ann.client), path).await, is(403, "FORBIDDEN"));
        assert_eq!(refused(Some(&staff), path).await, is(403, "FORBIDDEN"));
        for wrong in [
            "from=yesterday",
            "from=2035-1-1",
            "to=2035-02-30",
            "since=2035-01-01",
            "from=2035-01-01&from=2035-01-02",
            "to=9999-12-31",
        ] {
            let (status, _) = refused(Some(&fleet), &format!("{path}?{wrong}")).await;
            assert_eq!(status, 400, "{wrong}");
        }
        let turned = format!("{path}?from=2035-01-02&to=2035-01-01");
        assert_eq!(refused(Some(&fleet), &turned).await, is(400, "BAD_USER_INPUT"));
    }
    // The clock went on: the token is over, and this gets another.
    other.query("{ me { id } }", json!({})).await;
    assert_eq!(refused(Some(&other), &account).await, is(404, "NOT_FOUND"));
    assert_eq!(refused(Some(&fleet), "/exports/accounts/1.csv").await, is(400, "BAD_REQUEST"));
    assert!(rows(&app, &other, all).await.is_empty());
}
