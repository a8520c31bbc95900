//! Each receipt is mailed to its customer, once.

use rstest::rstest;
use service::notify::Message;
use tests::{
    Fleet,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, key,
    receipt::{Paid, pay, refund},
    text,
};

async fn customer(fleet: &Fleet, email: Option<&str>) -> String {
    let input = json!({"name": "Ann Example", "email": email});
    text(&fleet.mutate("createCustomer", "customer { id }", input).await.ok()["customer"]["id"])
}

fn sent(app: &TestApp) -> Vec<Message> {
    let messages = app.node.app.outbox.as_ref().unwrap().messages();
    let mut receipts: Vec<_> = messages.into_iter().map(|(_, message)| message).collect();
    receipts.retain(|message| !message.attachments.is_empty());
    receipts.sort_by_key(|message| message.attachments[0].name.clone());
    receipts
}

#[rstest]
#[tokio::test]
async fn a_receipt_comes_by_mail_with_its_pdf(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = format!("ann-{}@example.test", key());
    let ann = customer(&fleet, Some(&email)).await;
    let (payment, receipt) = pay(&fleet.system(), Paid::top_up(&ann, 500)).await.unwrap();
    refund(&fleet.system(), &payment, 100).await.unwrap();
    app.run_jobs().await;
    app.run_jobs().await;

    let [first, second] = &sent(&app)[..] else { panic!("{:#?}", sent(&app)) };
    assert_eq!(first.to.address(), email);
    assert_eq!(first.subject, "Receipt 2035-000001 from Velo Nord");
    assert_eq!(
        first.text,
        "Receipt 2035-000001\nWallet\n\nTop-up of the wallet: EUR 5.00\nTotal: EUR 5.00\n\nThe PDF is attached.\n\nVelo Nord\n"
    );
    assert_eq!(first.attachments[0].name, "receipt-2035-000001.pdf");
    assert_eq!(*first.attachments[0].bytes, *service::receipt::pdf::render(&receipt).unwrap());
    assert_eq!(second.subject, "Refund 2035-000002 from Velo Nord");
    assert!(second.text.contains("It belongs to receipt 2035-000001."), "{}", second.text);
    assert!(second.text.contains("Total: EUR -1.00"), "{}", second.text);

    // A developer reads it on the page of messages.
    let outbox = app.http().get(format!("{}/dev/outbox", app.url()));
    let outbox = outbox.header("accept", "application/json").send().await.unwrap();
    let outbox: Value = outbox.json().await.unwrap();
    let attached = &outbox[1]["attachments"][0];
    assert_eq!(attached["name"], "receipt-2035-000001.pdf");
    let path = format!("{}{}", app.url(), text(&attached["path"]));
    let shown = app.http().get(&path).send().await.unwrap();
    assert_eq!(shown.headers()["content-type"], "application/pdf");
    assert_eq!(*shown.bytes().await.unwrap(), *first.attachments[0].bytes);
    let page = app.http().get(format!("{}/dev/outbox", app.url())).send().await.unwrap();
    assert!(page.text().await.unwrap().contains(&format!("href='{}'", text(&attached["path"]))));
    let unknown = app.http().get(format!("{}/dev/outbox/unknown", app.url()));
    assert_eq!(unknown.send().await.unwrap().status(), 404);
}

#[rstest]
#[tokio::test]
async fn whom_no_mail_reaches_gets_none(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ann = customer(&fleet, None).await;
    pay(&fleet.system(), Paid::top_up(&ann, 500)).await.unwrap();
    assert_eq!(app.run_jobs().await, 1);
    assert_eq!(sent(&app), []);
}
