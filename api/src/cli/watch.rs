//! `bikelease watch`: prints what a subscription sends, one line of JSON each.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::say;

/// Prints what a subscription sends, one line of JSON each
#[derive(Args)]
#[command(after_help = "\
Example:\n  bikelease watch 'subscription { stationAvailability { change station { name vehiclesAvailable } } }'")]
pub struct Options {
    /// The subscription, as a GraphQL document
    document: String,
    /// Where the node listens
    #[arg(long, default_value = "ws://127.0.0.1:8000/graphql")]
    url: String,
    /// An access token; without one you see what is public
    #[arg(long, env = "BIKELEASE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The tenant whose public board you want, when not signed in
    #[arg(long)]
    tenant: Option<String>,
}

/// Until the server completes it, or somebody presses Ctrl-C.
pub async fn run(watch: &Options) -> Result<ExitCode> {
    let mut request =
        watch.url.as_str().into_client_request().context("the URL must begin with ws://")?;
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse()?);
    let (mut socket, _) = tokio_tungstenite::connect_async(request)
        .await
        .with_context(|| format!("nobody answers at {}: is the node running?", watch.url))?;
    let mut greeting = json!({});
    if let Some(token) = &watch.token {
        greeting["token"] = json!(token);
    }
    if let Some(tenant) = &watch.tenant {
        greeting["tenant"] = json!(tenant);
    }
    socket.send(message(&json!({"type": "connection_init", "payload": greeting}))).await?;
    let subscribe = json!({"id": "1", "type": "subscribe", "payload": {"query": watch.document}});
    while let Some(received) = socket.next().await {
        let text = match received? {
            Message::Text(text) => text,
            Message::Close(close) => match close {
                Some(close) => bail!("closed by the server: {} {}", close.code, close.reason),
                None => bail!("closed by the server"),
            },
            _ => continue,
        };
        let received: Value = serde_json::from_str(&text)?;
        match received["type"].as_str() {
            Some("connection_ack") => {
                socket.send(message(&subscribe)).await?;
                eprintln!("watching {}", watch.url);
            }
            Some("ping") => socket.send(message(&json!({"type": "pong"}))).await?,
            Some("next") => say(&received["payload"]["data"]),
            Some("error") => {
                bail!("{}", received["payload"][0]["message"].as_str().unwrap_or("refused"))
            }
            Some("complete") => return Ok(ExitCode::SUCCESS),
            _ => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn message(value: &Value) -> Message {
    Message::text(value.to_string())
}
