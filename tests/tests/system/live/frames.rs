//! The gateway as a WebSocket server by RFC 6455: a raw client sends what a good client never would.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::User;
use tests::fixture::Fixture;
use tests::live::ticket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::sent::Sent;

pub const LIMIT: Duration = Duration::from_secs(5);
/// Bits and opcodes of the first byte of a frame (section 5.2).
pub const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;
/// The largest message that a client may send.
pub const MOST: usize = 64 * 1024;

/// A frame of the server: its first byte and its payload.
pub type Frame = (u8, Vec<u8>);

pub struct Raw(pub TcpStream);

impl Raw {
    /// Upgrades with the key of section 1.3, whose answer is known.
    pub async fn open(gateway: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(gateway).await?;
        let request = format!(
            "GET /live HTTP/1.1\r\nHost: {gateway}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(LIMIT, stream.read_u8()).await??);
        }
        let head = String::from_utf8(head)?.to_lowercase();
        ensure!(
            head.starts_with("http/1.1 101")
                && head.contains("connection: upgrade")
                && head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
            "unexpected: {head}"
        );
        // A gateway offers no extensions, because a compressor for each connection needs more memory than all the rest of it.
        ensure!(!head.contains("sec-websocket-extensions"), "{head}");
        Ok(Self(stream))
    }

    /// Opens a connection for a user and reads `hello`.
    async fn join(gateway: SocketAddr, user: &User) -> Result<Self> {
        let mut raw = Self::open(gateway).await?;
        raw.send(FIN | TEXT, first(user).await?.as_bytes()).await?;
        raw.hello().await?;
        Ok(raw)
    }

    async fn hello(&mut self) -> Result<()> {
        let (head, payload) = self.read().await?;
        let hello: Value = serde_json::from_slice(&payload)?;
        ensure!(
            head == FIN | TEXT && hello["type"] == "hello",
            "unexpected: {hello}"
        );
        Ok(())
    }

    /// Sends a masked frame.
    async fn send(&mut self, head: u8, payload: &[u8]) -> Result<()> {
        Ok(self.0.write_all(&frame(head, payload)).await?)
    }

    /// The next frame, except pings of the gateway.
    pub async fn read(&mut self) -> Result<Frame> {
        let read = async {
            loop {
                let head = self.0.read_u8().await?;
                let length = match self.0.read_u8().await? {
                    126 => u64::from(self.0.read_u16().await?),
                    127 => self.0.read_u64().await?,
                    length => u64::from(length),
                };
                let mut payload = vec![0; usize::try_from(length)?];
                self.0.read_exact(&mut payload).await?;
                if head != FIN | PING {
                    return anyhow::Ok((head, payload));
                }
            }
        };
        timeout(LIMIT, read).await.context("no frame came")?
    }

    /// The code of the close frame that comes next. The TCP connection ends after it.
    async fn closed(&mut self) -> Result<u16> {
        let (head, payload) = self.read().await?;
        ensure!(
            head == FIN | CLOSE,
            "a frame {head:#x} with {} bytes",
            payload.len()
        );
        let rest = async {
            let mut byte = [0];
            // Reset is an end, too.
            while self.0.read(&mut byte).await.is_ok_and(|read| read > 0) {}
        };
        timeout(LIMIT, rest).await.context("TCP goes on")?;
        match payload.as_slice() {
            [high, low, ..] => Ok(u16::from_be_bytes([*high, *low])),
            _ => Ok(1005),
        }
    }
}

/// A masked frame.
fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    Sent::masked(head, payload).bytes()
}

/// The first message of a client.
pub async fn first(user: &User) -> Result<String> {
    let ticket = ticket(user).await?;
    Ok(json!({"ticket": ticket, "cursor": "ü🥛", "seq": 0}).to_string())
}

/// A message may come in fragments, with control frames in between.
pub async fn fragments_and_pings(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    // One byte each, so characters are cut, too.
    let mut raw = Raw::open(gateway).await?;
    let message = first(&ada).await?;
    let bytes = message.as_bytes();
    for (place, byte) in bytes.iter().take(60).enumerate() {
        let head = if place == 0 { TEXT } else { CONTINUATION };
        raw.send(head, &[*byte]).await?;
        if place == 20 {
            raw.send(FIN | PING, b"in between").await?;
            let pong = raw.read().await?;
            ensure!(pong == (FIN | PONG, b"in between".to_vec()), "{pong:?}");
        }
    }
    raw.send(CONTINUATION, &[]).await?;
    raw.send(FIN | CONTINUATION, bytes.get(60..).context("long")?)
        .await?;
    raw.hello().await?;
    for payload in [Vec::new(), vec![0xff; 125]] {
        raw.send(FIN | PING, &payload).await?;
        let pong = raw.read().await?;
        ensure!(pong == (FIN | PONG, payload), "{pong:?}");
    }
    // A pong that nobody asked for is nothing.
    raw.send(FIN | PONG, b"unasked").await?;
    raw.send(FIN | PING, b"last").await?;
    ensure!(raw.read().await?.1 == b"last", "the pong of the last ping");
    // Bytes that come in drops make the same frame.
    for byte in frame(FIN | PING, b"drops") {
        raw.0.write_all(&[byte]).await?;
        raw.0.flush().await?;
    }
    ensure!(raw.read().await?.1 == b"drops", "the pong of the drops");
    Ok(())
}

/// What breaks the protocol is answered with the code for it, before the first message and after it.
pub async fn broken_frames(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let unmasked = [FIN | TEXT, 2, b'{', b'}'].to_vec();
    let large_claim = {
        let mut claim = vec![FIN | TEXT, 0x80 | 127];
        claim.extend(u64::MAX.to_be_bytes());
        claim.extend([0; 4]);
        claim
    };
    let cut = "é".as_bytes();
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("a reserved bit", frame(FIN | RSV1 | TEXT, b"{}"), 1002),
        ("a reserved opcode", frame(FIN | 3, b"{}"), 1002),
        ("a reserved control opcode", frame(FIN | 11, b""), 1002),
        ("a frame without a mask", unmasked, 1002),
        (
            "a continuation of nothing",
            frame(FIN | CONTINUATION, b"{}"),
            1002,
        ),
        (
            "a message within a message",
            [frame(TEXT, b"{"), frame(FIN | TEXT, b"}")].concat(),
            1002,
        ),
        ("a large ping", frame(FIN | PING, &[0; 126]), 1002),
        ("a fragmented ping", frame(PING, b"x"), 1002),
        ("a close frame of one byte", frame(FIN | CLOSE, &[3]), 1002),
        (
            "a reserved close code",
            frame(FIN | CLOSE, &1005_u16.to_be_bytes()),
            1002,
        ),
        ("a binary message", frame(FIN | BINARY, b"{}"), 1003),
        ("no UTF-8", frame(FIN | TEXT, &[b'"', 0xff, b'"']), 1007),
        ("a surrogate", frame(FIN | TEXT, &[0xed, 0xa0, 0x80]), 1007),
        ("a cut character", frame(FIN | TEXT, &cut[..1]), 1007),
        (
            "a character that goes on wrong",
            [frame(TEXT, &cut[..1]), frame(FIN | CONTINUATION, b"x")].concat(),
            1007,
        ),
        ("64 KiB", frame(FIN | TEXT, &vec![b'x'; MOST]), 4400),
        (
            "more than 64 KiB",
            frame(FIN | TEXT, &vec![b'x'; MOST + 1]),
            1009,
        ),
        (
            "more than 64 KiB in fragments",
            [
                frame(TEXT, &vec![b'x'; MOST]),
                frame(FIN | CONTINUATION, b"x"),
            ]
            .concat(),
            1009,
        ),
        ("a claim of 2^64 bytes", large_claim, 1009),
        (
            "a megabyte",
            frame(FIN | TEXT, &vec![b'x'; 1024 * 1024]),
            1009,
        ),
    ];
    for joined in [false, true] {
        for (what, bytes, expected) in &cases {
            let mut raw = match joined {
                true => Raw::join(gateway, &ada).await?,
                false => Raw::open(gateway).await?,
            };
            // The gateway may close the connection before it has taken all of it.
            let _ = raw.0.write_all(bytes).await;
            let code = raw
                .closed()
                .await
                .with_context(|| format!("{what}, joined: {joined}"))?;
            ensure!(code == *expected, "{what}, joined {joined}: {code}");
        }
    }
    Ok(())
}

/// A close frame is answered with the same code, and then the connection ends.
pub async fn closing_handshake(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    for (payload, expected) in [
        (Vec::new(), 1005),
        (1000_u16.to_be_bytes().to_vec(), 1000),
        ([&1001_u16.to_be_bytes()[..], b"away"].concat(), 1001),
        (4000_u16.to_be_bytes().to_vec(), 4000),
    ] {
        for joined in [false, true] {
            let mut raw = match joined {
                true => Raw::join(gateway, &ada).await?,
                false => Raw::open(gateway).await?,
            };
            raw.send(FIN | CLOSE, &payload).await?;
            let code = raw.closed().await?;
            ensure!(code == expected, "{expected}, joined {joined}: {code}");
        }
    }
    Ok(())
}

/// What is no WebSocket is answered as HTTP, and a request that does not come is not waited for.
pub async fn other_requests(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let mut slow = TcpStream::connect(gateway).await?;
    slow.write_all(b"GET /live HTTP/1.1\r\nHost:").await?;
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let large = format!("X: {}\r\n", "x".repeat(64 * 1024));
    for (line, headers, statuses) in [
        ("GET /live HTTP/1.1", "", [400, 426]),
        ("GET /live HTTP/1.1", upgrade, [400, 426]),
        ("GET /elsewhere HTTP/1.1", "", [404, 404]),
        ("POST /live HTTP/1.1", "Content-Length: 0\r\n", [405, 405]),
        ("GET /live HTTP/1.1", large.as_str(), [431, 431]),
        ("GET /live/events?seq=x HTTP/1.1", "", [400, 400]),
        ("nonsense", "", [400, 400]),
    ] {
        let mut stream = TcpStream::connect(gateway).await?;
        let request = format!("{line}\r\nHost: {gateway}\r\nConnection: close\r\n{headers}\r\n");
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = timeout(LIMIT, stream.read_to_end(&mut answer)).await?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        ensure!(
            status.is_some_and(|status: u16| statuses.contains(&status)),
            "{line}: {answer}"
        );
    }
    let mut answer = Vec::new();
    let ended = timeout(Duration::from_secs(12), slow.read_to_end(&mut answer)).await;
    ensure!(ended.is_ok(), "a request that does not come is waited for");
    Ok(())
}
