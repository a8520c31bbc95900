//! Between a node and Redis: published messages are lost, repeated and held back, by a seed.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Gives the address to connect to; ends with the test's runtime.
pub async fn start(redis: u16, seed: u64) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0_u64.. {
            let Ok((client, _)) = listener.accept().await else { return };
            tokio::spawn(connection(client, redis, seed.wrapping_add(number << 32)));
        }
    });
    address
}

async fn connection(client: TcpStream, redis: u16, seed: u64) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", redis)).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asked =
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let (mut bytes, mut held, mut number) = (Vec::new(), None::<Vec<u8>>, seed);
    let mut chunk = [0; 16 * 1024];
    'open: while let Ok(length @ 1..) = from_server.read(&mut chunk).await {
        bytes.extend_from_slice(&chunk[..length]);
        while let Some(end) = frame(&bytes, 0) {
            let frame: Vec<u8> = bytes.drain(..end).collect();
            let mut out = Vec::new();
            if is_message(&frame) {
                number += 1;
                match chance(number) % 5 {
                    0 => {}
                    1 => out.extend([frame.clone(), frame]),
                    2 => out.extend(held.replace(frame)),
                    _ => out.push(frame),
                }
                out.extend(held.take_if(|_| chance(number) % 5 == 3));
            } else {
                out.push(frame);
            }
            for frame in out {
                if to_client.write_all(&frame).await.is_err() {
                    break 'open;
                }
            }
        }
    }
    asked.abort();
}

/// What Redis sends to those who have subscribed.
fn is_message(frame: &[u8]) -> bool {
    matches!(frame.first(), Some(b'*' | b'>'))
        && frame.windows(11).take(16).any(|part| part == b"\r\nmessage\r\n")
}

/// Where the value that begins here ends; None when it is not all there.
fn frame(bytes: &[u8], at: usize) -> Option<usize> {
    let line = at + bytes.get(at..)?.windows(2).position(|pair| pair == b"\r\n")?;
    let after = line + 2;
    let count = || str::from_utf8(bytes.get(at + 1..line)?).ok()?.parse::<i64>().ok();
    match bytes.get(at)? {
        b'$' | b'=' | b'!' => match count()? {
            ..0 => Some(after),
            length => {
                let end = after + usize::try_from(length).ok()? + 2;
                (end <= bytes.len()).then_some(end)
            }
        },
        kind @ (b'*' | b'>' | b'~' | b'%') => {
            let values = count()?.max(0) * if *kind == b'%' { 2 } else { 1 };
            (0..values).try_fold(after, |at, _| frame(bytes, at))
        }
        _ => Some(after),
    }
}

pub fn chance(number: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    number.hash(&mut hasher);
    hasher.finish()
}
