//! GoCardless's stand-in as a process: `gocardless WEBHOOK_URL` says where it is, and ends with its input.

use std::io::{Read, stdin};

use tests::{
    json,
    provider::{Peer, Script, bank_api::GoCardless},
};

#[tokio::main]
async fn main() {
    let peer = GoCardless::start().await;
    if let Some(url) = std::env::args().nth(1) {
        peer.send_webhooks_to(&url);
    }
    println!(
        "{}",
        json!({
            "url": peer.url(),
            "accessToken": peer.access_token(),
            "webhookSecret": peer.webhook_secret(),
            "mandate": peer.mandate(peer.currency(), Script::TakesTime),
        })
    );
    tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new())).await.unwrap().unwrap();
}
