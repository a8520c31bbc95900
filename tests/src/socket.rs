//! A graphql-transport-ws client that shows every frame.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest, handshake::client::Request},
};

use crate::document_id;

const PATIENCE: Duration = Duration::from_secs(10);

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What the server sends.
#[derive(Debug, PartialEq)]
pub enum Frame {
    Message(Value),
    /// Its close code.
    Closed(u16),
}

impl Socket {
    /// Connected, greeted and acknowledged.
    pub async fn connect(address: SocketAddr, init: Value) -> Self {
        let mut socket = Self::open(address).await;
        socket.send(json!({"type": "connection_init", "payload": init})).await;
        assert_eq!(socket.message().await["type"], "connection_ack");
        socket
    }

    /// As `connect`, with next to no room for what it does not read.
    pub async fn narrow(address: SocketAddr, init: Value) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = MaybeTlsStream::Plain(socket.connect(address).await.unwrap());
        let request = request(address, "graphql-transport-ws");
        let mut socket = Self(tokio_tungstenite::client_async(request, stream).await.unwrap().0);
        socket.send(json!({"type": "connection_init", "payload": init})).await;
        assert_eq!(socket.message().await["type"], "connection_ack");
        socket
    }

    /// As `connect`; None when nobody answers, or says no.
    pub async fn try_connect(address: SocketAddr, init: Value) -> Option<Self> {
        let mut socket = Self::try_open_as(address, "graphql-transport-ws").await?;
        let init = json!({"type": "connection_init", "payload": init});
        socket.0.send(Message::text(init.to_string())).await.ok()?;
        match socket.frame_within(PATIENCE).await? {
            Frame::Message(ack) if ack["type"] == "connection_ack" => Some(socket),
            _ => None,
        }
    }

    /// Connected from the page of a site, and nothing more; else the status of the answer.
    pub async fn open_from(address: SocketAddr, origin: &str) -> Result<Self, u16> {
        let mut request = request(address, "graphql-transport-ws");
        request.headers_mut().insert("origin", origin.parse().unwrap());
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Self(stream)),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// By the id of a registered document.
    pub async fn subscribe_by_id(&mut self, id: &str, document: &str, variables: Value) {
        let payload = json!({"documentId": document_id(document), "variables": variables});
        self.send(json!({"id": id, "type": "subscribe", "payload": payload})).await;
        self.settle().await;
    }

    /// Connected, and nothing more.
    pub async fn open(address: SocketAddr) -> Self {
        Self::open_as(address, "graphql-transport-ws").await
    }

    pub async fn open_as(address: SocketAddr, protocol: &str) -> Self {
        Self::try_open_as(address, protocol).await.expect("nobody answers")
    }

    async fn try_open_as(address: SocketAddr, protocol: &str) -> Option<Self> {
        Some(Self(tokio_tungstenite::connect_async(request(address, protocol)).await.ok()?.0))
    }

    pub async fn send(&mut self, message: Value) {
        self.send_raw(&message.to_string()).await;
    }

    /// False: the connection is gone.
    pub async fn try_send(&mut self, message: Value) -> bool {
        self.0.send(Message::text(message.to_string())).await.is_ok()
    }

    pub async fn send_raw(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({"query": query, "variables": variables});
        self.send(json!({"id": id, "type": "subscribe", "payload": payload})).await;
        // The server has attached it once it answers what was sent after it.
        self.settle().await;
    }

    /// Waits until the server has dealt with everything sent so far.
    pub async fn settle(&mut self) {
        tokio::time::sleep(Duration::from_millis(150)).await;
    }

    /// The next frame that is not a ping.
    pub async fn frame(&mut self) -> Frame {
        self.frame_within(PATIENCE).await.expect("the server said nothing")
    }

    pub async fn frame_within(&mut self, patience: Duration) -> Option<Frame> {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let message: Value = serde_json::from_str(&text).unwrap();
                        if message["type"] != "ping" && message["type"] != "pong" {
                            return Frame::Message(message);
                        }
                    }
                    Some(Ok(Message::Close(close))) => {
                        return Frame::Closed(close.map_or(1005, |c| c.code.into()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Frame::Closed(1006),
                }
            }
        };
        timeout(patience, next).await.ok()
    }

    /// The payload of the server's next `ping`; what comes before it is passed over.
    pub async fn ping_within(&mut self, patience: Duration) -> Option<Value> {
        let next = async {
            while let Some(Ok(message)) = self.0.next().await {
                let Message::Text(text) = message else { continue };
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["type"] == "ping" {
                    return Some(message["payload"].clone());
                }
            }
            None
        };
        timeout(patience, next).await.ok().flatten()
    }

    pub async fn message(&mut self) -> Value {
        match self.frame().await {
            Frame::Message(message) => message,
            Frame::Closed(code) => panic!("closed with {code}"),
        }
    }

    /// The data of the next `next`, by its only root field.
    pub async fn data(&mut self) -> Value {
        let message = self.message().await;
        assert_eq!(message["type"], "next", "{message:#}");
        let data = message["payload"]["data"]
            .as_object()
            .unwrap_or_else(|| panic!("no data: {message:#}"));
        data.values().next().unwrap().clone()
    }

    /// Nothing comes for a while.
    pub async fn silent(&mut self) -> bool {
        self.frame_within(Duration::from_millis(700)).await.is_none()
    }

    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Frame::Closed(code) = self.frame().await {
                return code;
            }
        }
    }
}

fn request(address: SocketAddr, protocol: &str) -> Request {
    let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
    request
}
