//! What runs in the servers' processes: this binary again, with an argument that nobody else gives it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, bail};
use axum::{
    Router,
    extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    routing::get,
    serve::ListenerExt,
};
use futures_util::SinkExt;
use service::{config::Config, ctx::App, event::Recorded};
use tokio::{
    net::TcpListener,
    sync::{broadcast, watch},
    task::spawn_blocking,
};

use super::{POOL, boards, stock};
use crate::place;

pub const ARGUMENT: &str = "fan-out-server";

/// As the product has them.
pub const READ_BUFFER: usize = 2048;
pub const WRITE_BUFFER: usize = 4096;
pub const PROTOCOL: &str = "graphql-transport-ws";
pub const ACK: &str = r#"{"type":"connection_ack"}"#;
/// Events that a socket may fall behind; there are never more under way.
const BEHIND: usize = 64;

/// Tells its port, passes on each line of its input as an event, and ends with it.
pub async fn serve(arguments: impl Iterator<Item = String>) -> Result<()> {
    let arguments: Vec<String> = arguments.collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["product", url, tenant] => product(url, tenant).await,
        ["stock", url, tenant] => {
            stock::serve(place::product_at(url, POOL).await?, tenant, None).await
        }
        ["stock-small", url, tenant] => {
            stock::serve(place::product_at(url, POOL).await?, tenant, Some(READ_BUFFER)).await
        }
        ["raw"] => raw().await,
        ["boards"] => boards::serve().await,
        ["past"] => past().await,
        _ => bail!("not for you"),
    }
}

/// The product's router, fed with what its neighbours have written.
async fn product(url: &str, tenant: &str) -> Result<()> {
    let app = place::product_at(url, POOL).await?;
    let variables = [
        ("BIKELEASE_DATABASE_URL", url),
        ("BIKELEASE_DEFAULT_TENANT", tenant),
        ("BIKELEASE_DEMO", "false"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::load(None, variables.into_iter())?;
    let (_running, stopping) = watch::channel(false);
    listen(api::http::router(app.clone(), &config, stopping)).await?;
    each_event(app).await
}

/// Tells the feed of each event of the input, as a bus does.
pub async fn each_event(app: App) -> Result<()> {
    each_line(move |line| {
        let event: Recorded = serde_json::from_str(&line)?;
        app.feed.offer(event.tenant, &[Arc::new(event)]);
        Ok(())
    })
    .await
}

/// Nothing but sockets that get the same bytes.
async fn raw() -> Result<()> {
    let (events, _) = broadcast::channel(BEHIND);
    let sender = events.clone();
    let socket = move |upgrade: WebSocketUpgrade| {
        let events = sender.subscribe();
        let upgrade = upgrade.protocols([PROTOCOL]);
        let upgrade = upgrade.read_buffer_size(READ_BUFFER).write_buffer_size(WRITE_BUFFER);
        // Whoever misses something is noticed by the client.
        let answer =
            upgrade.on_upgrade(|socket| async { drop(pass_on(socket, events, false).await) });
        std::future::ready(answer)
    };
    listen(Router::new().route("/graphql", get(socket))).await?;
    each_line(move |line| {
        let _ = events.send(Utf8Bytes::from(line));
        Ok(())
    })
    .await
}

/// Nothing but sockets that get all that this server was told so far and is told from now on.
async fn past() -> Result<()> {
    let (events, _) = broadcast::channel(BEHIND);
    let told: Arc<Mutex<Vec<Utf8Bytes>>> = Arc::default();
    let (sender, known) = (events.clone(), Arc::clone(&told));
    let socket = move |upgrade: WebSocketUpgrade| {
        let (known, sender) = (Arc::clone(&known), sender.clone());
        let upgrade = upgrade.protocols([PROTOCOL]);
        let upgrade = upgrade.read_buffer_size(READ_BUFFER).write_buffer_size(WRITE_BUFFER);
        let answer =
            upgrade.on_upgrade(|socket| async { drop(pass_on_all(socket, known, sender).await) });
        std::future::ready(answer)
    };
    listen(Router::new().route("/graphql", get(socket))).await?;
    each_line(move |line| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(Utf8Bytes::from(line));
        let _ = told.last().map(|line| events.send(line.clone()));
        Ok(())
    })
    .await
}

async fn pass_on_all(
    mut socket: WebSocket,
    told: Arc<Mutex<Vec<Utf8Bytes>>>,
    events: broadcast::Sender<Utf8Bytes>,
) -> Result<()> {
    socket.recv().await.context("the client has gone")??;
    socket.send(Message::Text(ACK.into())).await?;
    socket.recv().await.context("the client has gone")??;
    let (past, events) = {
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        (told.clone(), events.subscribe())
    };
    for event in past {
        socket.feed(Message::Text(event)).await?;
    }
    socket.flush().await?;
    pass_on(socket, events, true).await
}

/// All that waits goes into one flush.
pub async fn pass_on(
    mut socket: WebSocket,
    mut events: broadcast::Receiver<Utf8Bytes>,
    mut greeted: bool,
) -> Result<()> {
    loop {
        tokio::select! {
            biased;
            event = events.recv() => {
                socket.feed(Message::Text(event?)).await?;
                while let Ok(event) = events.try_recv() {
                    socket.feed(Message::Text(event)).await?;
                }
                socket.flush().await?;
            }
            message = socket.recv() => {
                message.context("the client has gone")??;
                if !greeted {
                    greeted = true;
                    socket.send(Message::Text(ACK.into())).await?;
                }
            }
        }
    }
}

/// Of the input, until it ends.
pub async fn each_line(pass_on: impl Fn(String) -> Result<()> + Send + 'static) -> Result<()> {
    let lines =
        spawn_blocking(move || std::io::stdin().lines().try_for_each(|line| pass_on(line?)));
    lines.await?
}

/// As `bikelease serve` does it, on a free port that it tells.
pub async fn listen(router: Router) -> Result<()> {
    println!("{}", listen_at_any(router).await?.port());
    Ok(())
}

pub async fn listen_at_any(router: Router) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok(address)
}
