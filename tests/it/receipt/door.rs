//! The PDF: with a token, or by a link that ends.

use chrono::Duration;
use entity::user::Role;
use rstest::rstest;
use tests::{
    Client,
    Shape::{self, Embedded, Production},
    TestApp, json,
    receipt::{Paid, pay},
    text,
};

struct Pdf {
    status: u16,
    headers: reqwest::header::HeaderMap,
    bytes: Vec<u8>,
}

impl Pdf {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn get(app: &TestApp, path: &str, token: Option<String>) -> Pdf {
    let mut request = app.http().get(format!("{}{path}", app.url()));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Pdf { status, headers, bytes: answer.bytes().await.unwrap().to_vec() }
}

/// The path of the link that somebody gets.
async fn link(app: &TestApp, caller: &Client, id: &str) -> String {
    let document = "query($id: ID!) { receipt(id: $id) { pdfUrl } }";
    let url = text(&caller.query(document, json!({"id": id})).await["receipt"]["pdfUrl"]);
    let path = url.strip_prefix(&*app.node.app.public_url).unwrap();
    path.to_owned()
}

#[rstest]
#[tokio::test]
async fn a_link_shows_the_pdf_for_a_quarter_of_an_hour(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let rider = fleet.rider(&app).await;
    let (_, made) = pay(&fleet.system(), Paid::top_up(&rider.customer, 500)).await.unwrap();
    let id = made.id.to_string();
    let path = link(&app, &rider, &id).await;

    let shown = get(&app, &path, None).await;
    assert_eq!(shown.status, 200);
    assert!(shown.bytes.starts_with(b"%PDF-"));
    assert_eq!(shown.bytes, service::receipt::pdf::render(&made).unwrap());
    assert_eq!(shown.header("content-type"), "application/pdf");
    assert_eq!(shown.header("content-disposition"), "inline; filename=\"receipt-2035-000001.pdf\"");
    assert_eq!(shown.header("cache-control"), "private, no-cache");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    assert_eq!(shown.header("referrer-policy"), "no-referrer");
    let known = app.http().get(format!("{}{path}", app.url()));
    let known = known.header("if-none-match", shown.header("etag")).send().await.unwrap();
    assert_eq!((known.status().as_u16(), known.bytes().await.unwrap().len()), (304, 0));

    app.advance(Duration::minutes(15) - Duration::seconds(1));
    assert_eq!(get(&app, &path, None).await.status, 200);
    app.advance(Duration::seconds(1));
    assert_eq!(get(&app, &path, None).await.status, 404);
}

#[rstest]
#[tokio::test]
async fn another_link_leads_nowhere(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let (ours, theirs) = (app.fleet("Velo Nord").await, app.fleet("Velo Sur").await);
    let (ann, ben) = (ours.rider(&app).await, theirs.rider(&app).await);
    let (_, made) = pay(&ours.system(), Paid::top_up(&ann.customer, 500)).await.unwrap();
    let (_, other) = pay(&ours.system(), Paid::top_up(&ann.customer, 500)).await.unwrap();
    let (_, foreign) = pay(&theirs.system(), Paid::top_up(&ben.customer, 500)).await.unwrap();
    let path = link(&app, &ann, &made.id.to_string()).await;
    let (file, token) = path.split_once("?token=").unwrap();

    let mut wrong = vec![
        format!("/receipts/{}.pdf?token={token}", other.id),
        format!("/receipts/{}.pdf?token={token}", foreign.id),
        format!("/receipts/{}?token={token}", made.id),
        format!("{file}?token="),
        format!("{file}?token={token}AA"),
        format!("{file}?token={}", &token[..token.len() - 4]),
        format!("/receipts/receipt_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f.pdf?token={token}"),
    ];
    for at in 0..token.len() {
        let mut letters: Vec<char> = token.chars().collect();
        letters[at] = if letters[at] == 'A' { 'B' } else { 'A' };
        wrong.push(format!("{file}?token={}", letters.into_iter().collect::<String>()));
    }
    for path in wrong {
        let answer = get(&app, &path, None).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.bytes.starts_with(b"%PDF-"));
    }
    assert_eq!(get(&app, &path, None).await.status, 200);

    let administrator = app.administrator().await;
    let suspended = json!({"tenantId": ours.tenant.id.to_string()});
    administrator.mutate("suspendTenant", "__typename", suspended).await.ok();
    assert_eq!(get(&app, &path, None).await.status, 404);
}

#[rstest]
#[tokio::test]
async fn a_token_opens_what_its_owner_may_see(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let (ours, theirs) = (app.fleet("Velo Nord").await, app.fleet("Velo Sur").await);
    let (ann, ben) = (ours.rider(&app).await, ours.rider(&app).await);
    let (_, made) = pay(&ours.system(), Paid::top_up(&ann.customer, 500)).await.unwrap();
    let path = &format!("/receipts/{}.pdf", made.id);
    let accountant = ours.colleague(&app, Role::Accountant).await;
    let vendor = ours.colleague(&app, Role::Vendor).await;
    for (caller, status) in [
        (ann.token(), 200),
        (accountant.token(), 200),
        (ours.owner.token(), 200),
        (ben.token(), 404),
        (vendor.token(), 403),
        (theirs.owner.token(), 404),
        (Some("nonsense".to_owned()), 401),
        (None, 401),
    ] {
        let answer = get(&app, path, caller.clone()).await;
        assert_eq!(answer.status, status, "{caller:?}");
        assert_eq!(answer.bytes.starts_with(b"%PDF-"), status == 200);
    }
    for file in ["receipt_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f.pdf", "nonsense.pdf", "nonsense"] {
        let answer = get(&app, &format!("/receipts/{file}"), ann.token()).await;
        assert_eq!(answer.status, 404, "{file}");
    }
    let program = ours.partner(&["MONEY_READ"], json!({})).await;
    let with_key = get(&app, path, program.client.token()).await;
    assert_eq!(with_key.status, 200);
}
