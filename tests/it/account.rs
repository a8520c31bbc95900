//! What accountants see: accounts, statements, the trial balance; and what customers see of themselves.

use chrono::Duration;
use entity::user::Role;
use rstest::rstest;
use tests::{
    Client, Fleet, Rider,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, text,
};

/// 1.00 + 12 × 0.10, and a quarter of it in tax.
const RIDE: &str = "2.75";

pub async fn ride(app: &TestApp, fleet: &Fleet, rider: &Rider) -> String {
    let (vehicle, station) = (fleet.vehicle().await, fleet.station(5).await);
    let rental = text(&rider.start_rental(&vehicle).await.ok()["rental"]["id"]);
    app.advance(Duration::minutes(12));
    rider.end_rental(&rental, &station).await.ok();
    rental
}

async fn receivable(accountant: &Client, customer: &str) -> Value {
    let document = "query($filter: AccountFilter!) { accounts(filter: $filter) { totalCount nodes {
        id holder customer { id } normalSide balance { amount currency } available { amount } debits { amount } credits { amount } } } }";
    let filter = json!({"customerId": customer, "kinds": ["CUSTOMER_RECEIVABLE"]});
    let found = accountant.query(document, json!({"filter": filter})).await;
    assert_eq!(found["accounts"]["totalCount"], 1);
    found["accounts"]["nodes"][0].clone()
}

#[rstest]
#[tokio::test]
async fn the_books_tell_what_a_ride_came_to(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ann = fleet.rider(&app).await;
    let accountant = fleet.colleague(&app, Role::Accountant).await;
    let rental = ride(&app, &fleet, &ann).await;

    let owed = receivable(&accountant, &ann.customer).await;
    assert_eq!(owed["holder"], json!(ann.customer));
    assert_eq!(owed["customer"]["id"], json!(ann.customer));
    assert_eq!(owed["normalSide"], "DEBIT");
    assert_eq!(owed["balance"], json!({"amount": RIDE, "currency": "EUR"}));
    let document = "query($filter: TransferFilter!) { transfers(filter: $filter, direction: ASC) { nodes {
        reference kind phase amount { amount } debitAccount { kind } creditAccount { kind } rental { id } customer { id } } } }";
    let made = accountant.query(document, json!({"filter": {"rentalId": rental}})).await;
    let made = made["transfers"]["nodes"].as_array().unwrap();
    let told = |field: &str| -> Vec<String> {
        made.iter().map(|transfer| text(&transfer["creditAccount"][field])).collect()
    };
    assert_eq!(told("kind"), ["REVENUE_UNLOCK", "REVENUE_MINUTES", "TAX"]);
    let digits = rental.strip_prefix("rental_").unwrap();
    for (position, transfer) in made.iter().enumerate() {
        assert_eq!(transfer["reference"], json!(format!("rental:{digits}:{position}")));
        assert_eq!((&transfer["kind"], &transfer["phase"]), (&json!("CHARGE"), &json!("SINGLE")));
        assert_eq!(transfer["debitAccount"]["kind"], "CUSTOMER_RECEIVABLE");
        assert_eq!(transfer["rental"]["id"], json!(rental));
        assert_eq!(transfer["customer"]["id"], json!(ann.customer));
    }

    let document = "{ trialBalance { currency debits { amount } credits { amount } lines { kind balance { amount } } } }";
    let all = accountant.query(document, json!({})).await["trialBalance"].clone();
    let line = |kind: &str, amount: &str| json!({"kind": kind, "balance": {"amount": amount}});
    assert_eq!(
        all,
        json!([{"currency": "EUR", "debits": {"amount": RIDE}, "credits": {"amount": RIDE}, "lines": [
            line("CUSTOMER_RECEIVABLE", RIDE), line("REVENUE_UNLOCK", "1.00"), line("REVENUE_MINUTES", "1.20"), line("TAX", "0.55"),
        ]}])
    );
}

/// Days are those of Copenhagen: what happens at half past eleven by UTC belongs to the next one.
#[rstest]
#[tokio::test]
async fn a_statement_goes_by_the_tenants_days(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ann = fleet.rider(&app).await;
    ride(&app, &fleet, &ann).await;
    app.advance(Duration::minutes(11 * 60 + 6));
    ride(&app, &fleet, &ann).await;
    app.advance(Duration::hours(24));
    ride(&app, &fleet, &ann).await;
    let account = receivable(&fleet, &ann.customer).await["id"].clone();

    let statement = async |from: &str, to: &str, page: &str| {
        let document = format!(
            "query($id: ID!, $from: Date!, $to: Date!) {{ node(id: $id) {{ ... on Account {{ statement(from: $from, to: $to) {{
                from to openingBalance {{ amount }} closingBalance {{ amount }} debits {{ amount }} credits {{ amount }}
                transfers({page}) {{ totalCount pageInfo {{ endCursor hasNextPage }} nodes {{ direction amount {{ amount }}
                    balance {{ amount }} counterAccount {{ kind }} transfer {{ id }} }} }} }} }} }} }}"
        );
        let variables = json!({"id": account, "from": from, "to": to});
        fleet.query(&document, variables).await["node"]["statement"].clone()
    };
    let amounts = |statement: &Value| {
        ["openingBalance", "debits", "credits", "closingBalance"]
            .map(|name| text(&statement[name]["amount"]))
    };
    let first = statement("2035-01-01", "2035-01-01", "first: 100").await;
    assert_eq!(amounts(&first), ["0.00", "2.75", "0.00", "2.75"]);
    let second = statement("2035-01-02", "2035-01-02", "first: 100").await;
    assert_eq!(amounts(&second), ["2.75", "2.75", "0.00", "5.50"]);
    let all = statement("2034-12-01", "2036-01-01", "first: 100").await;
    assert_eq!(amounts(&all), ["0.00", "8.25", "0.00", "8.25"]);
    let later = statement("2035-01-04", "2035-02-01", "first: 100").await;
    assert_eq!(amounts(&later), ["8.25", "0.00", "0.00", "8.25"]);
    assert_eq!(later["transfers"]["totalCount"], 0);

    // The balance runs on from page to page, and ends where the statement does.
    let balances = |page: &Value| -> Vec<String> {
        let lines = page["transfers"]["nodes"].as_array().unwrap();
        lines.iter().map(|line| text(&line["balance"]["amount"])).collect()
    };
    let whole = balances(&all);
    assert_eq!(whole.len(), 9);
    assert_eq!(whole[..4], ["1.00", "2.20", "2.75", "3.75"]);
    let page = statement("2034-12-01", "2036-01-01", "first: 4").await;
    let cursor = text(&page["transfers"]["pageInfo"]["endCursor"]);
    let rest =
        statement("2034-12-01", "2036-01-01", &format!("first: 100, after: \"{cursor}\"")).await;
    assert_eq!([balances(&page), balances(&rest)].concat(), whole);
    let last = statement("2034-12-01", "2036-01-01", "last: 2").await;
    assert_eq!(balances(&last), whole[7..]);

    let trial = async |as_of: &str| {
        let document = "query($day: Date) { trialBalance(asOf: $day) { debits { amount } credits { amount } } }";
        fleet.query(document, json!({"day": as_of})).await["trialBalance"].clone()
    };
    assert_eq!(trial("2034-12-31").await, json!([]));
    let both =
        |amount: &str| json!([{"debits": {"amount": amount}, "credits": {"amount": amount}}]);
    assert_eq!(trial("2035-01-01").await, both("2.75"));
    assert_eq!(trial("2035-01-02").await, both("5.50"));
    assert_eq!(trial("2035-01-09").await, both("8.25"));

    let turned = json!({"id": account, "from": "2035-01-02", "to": "2035-01-01"});
    let document = "query($id: ID!, $from: Date!, $to: Date!) { node(id: $id) { ... on Account { statement(from: $from, to: $to) { to } } } }";
    assert_eq!(fleet.send(document, turned).await.error(), "BAD_USER_INPUT");
}

#[rstest]
#[tokio::test]
async fn customers_see_what_they_owe_and_nothing_of_others(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    ride(&app, &fleet, &ann).await;

    let document = "query($id: ID!) { node(id: $id) { ... on Customer { balance { amount currency } wallet { amount } } } }";
    let owed = json!({"balance": [{"amount": RIDE, "currency": "EUR"}], "wallet": []});
    let id = json!({"id": ann.customer});
    assert_eq!(ann.query(document, id.clone()).await["node"], owed);
    let staff = fleet.staff(&app).await;
    assert_eq!(staff.query(document, id.clone()).await["node"], owed);
    assert_eq!(ben.query(document, id).await["node"], Value::Null);
    let own = ben.query(document, json!({"id": ben.customer})).await;
    assert_eq!(own["node"], json!({"balance": [], "wallet": []}));

    let account = receivable(&fleet, &ann.customer).await["id"].clone();
    let document = "query($id: ID!) { node(id: $id) { id } }";
    for caller in [&ann.client, &staff] {
        assert_eq!(caller.query(document, json!({"id": account})).await["node"], Value::Null);
        assert_eq!(
            caller.send("{ transfers { totalCount } }", json!({})).await.error(),
            "FORBIDDEN"
        );
    }
    // A program that may see customers sees their money only when it is let in to that.
    let partner = fleet.partner(&["CUSTOMERS_READ"], json!({})).await;
    let document = "query Owed { customers { nodes { balance { amount } } } }";
    fleet.publish(&partner.id, &[document]).await;
    assert_eq!(partner.call(document, json!({})).await.error(), "FORBIDDEN");
}

#[rstest]
#[tokio::test]
async fn accounts_are_found_and_sorted(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    for rider in [&ann, &ben, &ben] {
        ride(&app, &fleet, rider).await;
    }
    let list = async |arguments: &str| -> Vec<(String, String)> {
        let document =
            format!("{{ accounts({arguments}) {{ nodes {{ kind balance {{ amount }} }} }} }}");
        let found = fleet.query(&document, json!({})).await;
        let nodes = found["accounts"]["nodes"].as_array().unwrap();
        nodes.iter().map(|node| (text(&node["kind"]), text(&node["balance"]["amount"]))).collect()
    };
    let balances = |found: Vec<(String, String)>| -> Vec<String> {
        found.into_iter().map(|(_, balance)| balance).collect()
    };
    let by_balance = list("sort: {field: BALANCE, direction: DESC}").await;
    assert_eq!(balances(by_balance), ["5.50", "3.60", "3.00", "2.75", "1.65"]);
    let owed =
        list("filter: {kinds: [CUSTOMER_RECEIVABLE], hasBalance: true}, sort: {field: CREATED}")
            .await;
    assert_eq!(balances(owed), ["2.75", "5.50"]);
    assert!(list("filter: {hasBalance: false}").await.is_empty());
    assert!(list("filter: {currency: \"JPY\"}").await.is_empty());
    let mut kinds: Vec<_> = list("first: 100").await.into_iter().map(|(kind, _)| kind).collect();
    assert!(kinds.is_sorted());
    kinds.dedup();
    assert_eq!(kinds, ["CUSTOMER_RECEIVABLE", "REVENUE_MINUTES", "REVENUE_UNLOCK", "TAX"]);
}
