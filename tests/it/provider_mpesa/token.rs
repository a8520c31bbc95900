//! One token for all: Daraja takes only the last one that it has issued.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::json;
use service::{
    clock::{Clock, ManualClock},
    keys::Keys,
    payment::provider::{
        PaymentProvider, ProviderError,
        token::{Token, Tokens},
    },
};
use tests::{
    process::OwnRedis,
    provider::{
        Peer,
        mpesa::{Mpesa, PAYS},
    },
};
use tokio::sync::Notify;

use super::desk::{Desk, charge, clock, open};

/// A node of its own: nothing is shared but what is in Redis.
fn node(peer: &Mpesa, redis: &str, clock: &ManualClock) -> Arc<dyn PaymentProvider> {
    open(&peer.url(), &peer.credentials(), tokens(redis, clock), clock)
}

fn tokens(redis: &str, clock: &ManualClock) -> Tokens {
    let keys = Arc::new(Keys::derive(b"a secret of thirty-two characters", &[]).unwrap());
    Tokens::in_redis(Arc::new(clock.clone()), redis, &keys).unwrap()
}

/// So many payments on each node at once.
async fn charge_all(nodes: &[Arc<dyn PaymentProvider>], peer: &Mpesa, clock: &ManualClock) {
    let charges = (0..20).flat_map(|_| nodes).map(|node| async {
        let url = "http://127.0.0.1:1/webhooks/daraja/0f";
        node.charge(&charge(url, peer.phone(PAYS), 100, clock.now())).await
    });
    for answer in join_all(charges).await {
        answer.unwrap();
    }
}

#[tokio::test]
async fn many_payments_at_once_need_one_token() {
    let desk = Desk::open().await;
    let one = [Arc::clone(&desk.provider)];
    charge_all(&one, &desk.peer, &desk.clock).await;
    assert_eq!((desk.peer.tokens_issued(), desk.peer.calls()), (1, 20));

    desk.peer.forget_token();
    charge_all(&one, &desk.peer, &desk.clock).await;
    assert_eq!((desk.peer.tokens_issued(), desk.peer.calls()), (3, 40), "one was forgotten");

    desk.clock.advance(chrono::Duration::minutes(60));
    charge_all(&one, &desk.peer, &desk.clock).await;
    assert_eq!(desk.peer.tokens_issued(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_share_one_token_which_nobody_can_read_in_redis() {
    let (redis, peer, clock) = (OwnRedis::start().await, Mpesa::start().await, clock());
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let nodes: Vec<_> = (0..3).map(|_| node(&peer, &url, &clock)).collect();
    charge_all(&nodes, &peer, &clock).await;
    assert_eq!(peer.tokens_issued(), 1);
    peer.forget_token();
    charge_all(&nodes, &peer, &clock).await;
    assert_eq!(peer.tokens_issued(), 3, "one was forgotten");

    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    assert_eq!(keys.len(), 1, "no turn is left over: {keys:?}");
    let kept: Vec<u8> = redis::cmd("GET").arg(&keys[0]).query_async(&mut connection).await.unwrap();
    assert!(!kept.windows(5).any(|bytes| bytes == b"token"));
}

/// A node that was away for too long comes back with a token that is good no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_lost_the_turn_keeps_its_token_for_itself() {
    let (redis, clock) = (OwnRedis::start().await, clock());
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let (late, other) = (tokens(&url, &clock), tokens(&url, &clock));
    let token = |value: &str| Token {
        value: value.to_owned(),
        expires_at: clock.now() + chrono::Duration::hours(1),
    };
    let (away, back) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let old = {
        let (old, away, back) = (token("old"), Arc::clone(&away), Arc::clone(&back));
        tokio::spawn(async move {
            let renew = async move {
                away.notify_one();
                back.notified().await;
                Ok(old)
            };
            late.get("account", None, renew).await.unwrap()
        })
    };
    away.notified().await;
    redis.command("FLUSHALL").await;
    let new = token("new");
    assert_eq!(other.get("account", None, async move { Ok(new) }).await.unwrap(), "new");
    back.notify_one();
    assert_eq!(old.await.unwrap(), "old");
    let never = async { Err(ProviderError::Credentials) };
    assert_eq!(tokens(&url, &clock).get("account", None, never).await.unwrap(), "new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_each_node_goes_on_by_itself() {
    let (mut redis, peer, clock) = (OwnRedis::start().await, Mpesa::start().await, clock());
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let nodes = [node(&peer, &url, &clock)];
    charge_all(&nodes, &peer, &clock).await;
    redis.stop().await;
    charge_all(&nodes, &peer, &clock).await;
    assert_eq!((peer.tokens_issued(), peer.calls()), (1, 40), "what it knows is still good");
    peer.forget_token();
    charge_all(&nodes, &peer, &clock).await;
    assert_eq!((peer.tokens_issued(), peer.calls()), (3, 60));
}

#[tokio::test]
async fn wrong_credentials_are_told_as_such_and_show_nothing() {
    let desk = Desk::open().await;
    for field in ["consumerKey", "consumerSecret", "passkey"] {
        let mut credentials = desk.peer.credentials();
        credentials[field] = json!("a guess");
        let tokens = Tokens::in_process(Arc::new(desk.clock.clone()));
        let provider = open(&desk.peer.url(), &credentials, tokens, &desk.clock);
        let error = provider.charge(&desk.charge(PAYS, 100)).await.unwrap_err();
        assert!(matches!(error, ProviderError::Credentials), "{field}: {error:?}");
        assert!(!format!("{error:?} {error}").contains("guess"));
    }
    assert!(desk.peer.books().is_empty());
}
