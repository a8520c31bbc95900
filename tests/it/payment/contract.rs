//! What holds for every provider: paid once whatever happens on the way, given back no more than once, and believed only
//! on its own word.

use std::sync::Arc;

use service::clock::ManualClock;
use tests::provider::{Fault, Peer, Script, bank_api::GoCardless, mpesa::Mpesa, stripe::Stripe};

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Cards,
    Phones,
    Banks,
}

use Who::{Banks, Cards, Phones};

/// A tenant with an account at a provider, and a customer.
struct Desk {
    app: TestApp,
    fleet: Fleet,
    rider: Rider,
    peer: Box<dyn Peer>,
    provider: &'static str,
    clock: ManualClock,
}

impl Desk {
    async fn open(who: Who, shape: Shape) -> Self {
        let clock = ManualClock::starting_at("2035-01-01T12:00:00Z".parse().unwrap());
        let (peer, provider, setting): (Box<dyn Peer>, _, _) = match who {
            Cards => {
                let stripe = Stripe::start_at(Arc::new(clock.clone())).await;
                (Box::new(stripe), "STRIPE", "BIKELEASE_STRIPE_URL")
            }
            Phones => (Box::new(Mpesa::start().await), "MPESA", "BIKELEASE_MPESA_URL"),
            Banks => {
                let bank = GoCardless::start_with(clock.clone()).await;
                (Box::new(bank), "BANK_API", "BIKELEASE_BANK_API_URL")
            }
        };
        let app = TestApp::start_with(shape, &[(setting, &peer.url())]).await;
        let fleet = app.fleet("Velo Nord").await;
        let currency = peer.currency();
        let change =
            format!("UPDATE tenant SET currency = '{currency}' WHERE slug = '{}'", fleet.slug);
        assert_eq!(app.sql(&change).await.unwrap(), 1);
        let input = json!({
            "provider": provider, "credentials": peer.credentials(),
            "offers": [{"currency": currency, "min": "1"}],
        });
        let account = fleet.mutate("setProviderAccount", "providerAccount { webhookUrl }", input);
        let url = text(&account.await.ok()["providerAccount"]["webhookUrl"]);
        peer.send_webhooks_to(&url);
        let rider = fleet.rider(&app).await;
        Self { app, fleet, rider, peer, provider, clock }
    }

    /// Ten, into the wallet.
    async fn top_up(&self, script: Script) -> Value {
        let input = json!({
            "provider": self.provider, "amount": "10", "paymentMethod": self.peer.method(script),
            "idempotencyKey": key(),
        });
        self.rider.mutate("topUpWallet", FIELDS, input).await.ok()["payment"].clone()
    }

    /// Until the payment is in this state: time passes, messages come, jobs run.
    async fn until(&self, payment: &Value, wanted: &str) -> Value {
        let document = "query($id: ID!) { payment(id: $id) {
            state captured { amount } refunded { amount } failureCode receipt { number } refunds { state } } }";
        let id = &payment["id"];
        for _ in 0..40 {
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            self.app.try_jobs().await;
            let now = self.fleet.query(document, json!({"id": id})).await["payment"].clone();
            let open = now["refunds"].as_array().unwrap().iter().any(|r| r["state"] == "PENDING");
            if now["state"] == wanted && !open {
                return now;
            }
            self.app.advance(Duration::seconds(30));
            self.clock.advance(Duration::seconds(30));
        }
        panic!("{} never becomes {wanted}", self.fleet.query(document, json!({"id": id})).await);
    }

    async fn wallet(&self) -> i64 {
        let purse = service::ledger::Purse::wallet(self.rider.customer.parse().unwrap());
        let (ctx, currency) = (self.fleet.system(), self.peer.currency().parse().unwrap());
        service::ledger::balance(ctx.reader(), ctx.tenant, purse, currency).await.unwrap().minor()
    }

    /// What the provider has taken and given back, in all.
    fn taken(&self) -> (i64, i64) {
        let books = self.peer.books();
        let sum = |part: fn(&tests::provider::Booked) -> i64| books.iter().map(part).sum();
        (sum(|booked| booked.captured_minor), sum(|booked| booked.refunded_minor))
    }
}

#[rstest]
#[tokio::test]
async fn what_succeeds_is_here_and_there_once(
    #[values(Cards, Phones, Banks)] who: Who,
    #[values(Embedded, Production)] shape: Shape,
) {
    let desk = Desk::open(who, shape).await;
    let payment = desk.top_up(Script::Succeeds).await;
    let paid = desk.until(&payment, "COMPLETED").await;
    assert!(paid["receipt"]["number"].is_string(), "{paid}");
    assert_eq!((desk.wallet().await, desk.taken()), (1_000, (1_000, 0)));
    desk.peer.repeat_webhooks().await;
    desk.until(&payment, "COMPLETED").await;
    assert_eq!((desk.wallet().await, desk.taken()), (1_000, (1_000, 0)));
    desk.app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_no_takes_nothing(
    #[values(Cards, Phones, Banks)] who: Who,
    #[values(Embedded, Production)] shape: Shape,
) {
    let desk = Desk::open(who, shape).await;
    let payment = desk.top_up(Script::Declines).await;
    let refused = desk.until(&payment, "FAILED").await;
    assert!(refused["failureCode"].is_string(), "{refused}");
    assert_eq!((desk.wallet().await, desk.taken()), (0, (0, 0)));
    desk.app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_lost_answer_is_found_and_nobody_pays_twice(
    #[values(Cards, Phones, Banks)] who: Who,
    #[values(Fault::CutAfter, Fault::ErrorAfter)] fault: Fault,
    #[values(Embedded, Production)] shape: Shape,
) {
    let desk = Desk::open(who, shape).await;
    desk.peer.faults().next([fault]);
    let payment = desk.top_up(Script::Succeeds).await;
    desk.until(&payment, "COMPLETED").await;
    assert_eq!((desk.wallet().await, desk.taken()), (1_000, (1_000, 0)));
    desk.app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn what_goes_back_goes_back_once(
    #[values(Cards, Phones, Banks)] who: Who,
    #[values(Embedded, Production)] shape: Shape,
) {
    let desk = Desk::open(who, shape).await;
    let payment = desk.top_up(Script::Succeeds).await;
    desk.until(&payment, "COMPLETED").await;
    let id = text(&payment["id"]);
    let input = json!({"paymentId": id, "amount": "4", "idempotencyKey": key()});
    let fields = "refund { id } payment { id }";
    let first = desk.fleet.mutate("refundPayment", fields, input.clone()).await.ok();
    let again = desk.fleet.mutate("refundPayment", fields, input).await.ok();
    assert_eq!(first, again);
    let back = desk.until(&payment, "COMPLETED").await;
    assert_eq!(back["refunds"], json!([{"state": "COMPLETED"}]));
    assert_eq!((desk.wallet().await, desk.taken()), (600, (1_000, 400)));
    assert_eq!(refund(&desk.fleet, &id, "7").await.code(), "REFUND_EXCEEDS_PAYMENT");
    desk.app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn nobody_else_speaks_for_a_provider(
    #[values(Cards, Phones, Banks)] who: Who,
    #[values(Embedded, Production)] shape: Shape,
) {
    let desk = Desk::open(who, shape).await;
    let document = "{ providerAccounts { webhookUrl } }";
    let accounts = desk.fleet.query(document, json!({})).await;
    let url = text(&accounts["providerAccounts"][0]["webhookUrl"]);
    let post = async |url: &str| {
        let forged = json!({"id": "evt_1", "type": "payment_intent.succeeded", "data": {}});
        desk.app.http().post(url).json(&forged).send().await.unwrap().status().as_u16()
    };
    assert!((400..500).contains(&post(&url).await));
    let mut elsewhere = url.clone();
    let last = elsewhere.pop().unwrap();
    elsewhere.push(if last == '0' { '1' } else { '0' });
    assert_eq!(post(&elsewhere).await, 404);
    assert_eq!(post(&format!("{}/webhooks/nobody/00", desk.app.url())).await, 404);
    assert_eq!(desk.app.count("SELECT count(*) FROM webhook").await, 0);
}
