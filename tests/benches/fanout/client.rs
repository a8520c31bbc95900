//! A websocket with as little around it as can be: what the clients cost, the servers cannot have.

use std::{net::SocketAddr, ops::Range, str};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Three events at once.
const BUFFER: usize = 2048;
const SUBSCRIPTION: &str = "subscription($after: Cursor, $stations: [ID!]) {
    stationAvailability(after: $after, stationIds: $stations) {
    cursor change occurredAt station { id name vehiclesAvailable docksAvailable } } }";
const PING: &str = r#""type":"ping""#;
const PONG: &str = r#"{"type":"pong"}"#;

mod opcode {
    pub const TEXT: u8 = 0x1;
    pub const PING: u8 = 0x9;
    pub const PONG: u8 = 0xA;
}

pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What has come and nobody has looked at.
    waiting: Range<usize>,
}

impl Client {
    /// Connected and acknowledged, with its subscription on the way. The id is as long as the common client's.
    pub async fn subscribed(
        address: SocketAddr,
        tenant: &str,
        number: usize,
        variables: &Value,
    ) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream, buffer: vec![0; BUFFER], waiting: 0..0 };
        client.upgrade(address).await?;
        let init = json!({"type": "connection_init", "payload": {"tenant": tenant}});
        client.say(opcode::TEXT, init.to_string().as_bytes()).await?;
        let answer = client.text().await?;
        ensure!(answer.contains("connection_ack"), "not acknowledged: {answer}");
        let payload = json!({"query": SUBSCRIPTION, "variables": variables});
        let id = format!("{number:08x}-89ab-4cde-8f01-23456789abcd");
        let subscribe = json!({"id": id, "type": "subscribe", "payload": payload});
        client.say(opcode::TEXT, subscribe.to_string().as_bytes()).await?;
        Ok(client)
    }

    async fn upgrade(&mut self, address: SocketAddr) -> Result<()> {
        let request = format!(
            "GET /graphql HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        );
        self.stream.write_all(request.as_bytes()).await?;
        loop {
            self.read().await?;
            let head = str::from_utf8(&self.buffer[self.waiting.clone()])?;
            if let Some(end) = head.find("\r\n\r\n") {
                ensure!(head.starts_with("HTTP/1.1 101"), "no websocket: {head}");
                self.waiting.start += end + 4;
                return Ok(());
            }
        }
    }

    /// The next message. Pings of both kinds are answered on the way.
    pub async fn text(&mut self) -> Result<&str> {
        loop {
            let (opcode, payload) = self.frame().await?;
            match opcode {
                opcode::TEXT => {
                    if !self.is_ping(&payload)? {
                        return Ok(str::from_utf8(&self.buffer[payload])?);
                    }
                    self.say(opcode::TEXT, PONG.as_bytes()).await?;
                }
                opcode::PING => {
                    let payload = self.buffer[payload].to_vec();
                    self.say(opcode::PONG, &payload).await?;
                }
                opcode::PONG => {}
                other => bail!("a frame of kind {other}: {:?}", self.buffer.get(payload)),
            }
        }
    }

    fn is_ping(&self, payload: &Range<usize>) -> Result<bool> {
        // An event begins with its id.
        let text = str::from_utf8(&self.buffer[payload.clone()])?;
        Ok(!text.starts_with(r#"{"id""#) && text.contains(PING))
    }

    /// The kind of the next frame, and where its payload lies.
    async fn frame(&mut self) -> Result<(u8, Range<usize>)> {
        loop {
            if let Some((opcode, payload)) = head(&self.buffer[self.waiting.clone()])? {
                let start = self.waiting.start;
                self.waiting.start += payload.end;
                return Ok((opcode, start + payload.start..start + payload.end));
            }
            self.read().await?;
        }
    }

    /// More of what the server sends, behind what waits.
    async fn read(&mut self) -> Result<()> {
        self.buffer.copy_within(self.waiting.clone(), 0);
        self.waiting = 0..self.waiting.len();
        if self.waiting.end == self.buffer.len() {
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
        let read = self.stream.read(&mut self.buffer[self.waiting.end..]).await?;
        ensure!(read > 0, "the server has closed a connection");
        self.waiting.end += read;
        Ok(())
    }

    /// Masked, as clients have to, with a key that changes nothing.
    async fn say(&mut self, opcode: u8, payload: &[u8]) -> Result<()> {
        const MASKED: u8 = 0x80;
        let mut frame = vec![0x80 | opcode];
        match u8::try_from(payload.len()).ok().filter(|length| *length < 126) {
            Some(length) => frame.push(MASKED | length),
            None => {
                frame.push(MASKED | 126);
                frame.extend(u16::try_from(payload.len()).context("too long")?.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        Ok(self.stream.write_all(&frame).await?)
    }
}

/// The kind of the frame that these bytes begin with, and where its payload lies; none while it is not whole.
fn head(bytes: &[u8]) -> Result<Option<(u8, Range<usize>)>> {
    let (start, length) = match *bytes {
        [_, length @ ..=125, ..] => (2, usize::from(length)),
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        [_, 127..=255, ..] => bail!("a frame that no event needs"),
        _ => return Ok(None),
    };
    let payload = start..start + length;
    ensure!(bytes[0] & 0xF0 == 0x80, "a frame in parts, or with an extension");
    Ok((payload.end <= bytes.len()).then_some((bytes[0] & 0x0F, payload)))
}
