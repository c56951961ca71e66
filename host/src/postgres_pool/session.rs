//! One session with Postgres that knows whether it is inside a transaction.
//!
//! The client library does not expose this status, so the server's messages are scanned on their way to it. TLS ends below the
//! scanner.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

use super::tls;
use super::tls::Stream;

/// The status byte of ReadyForQuery outside a transaction. Inside one it is `T`, or `E` after an error. (PostgreSQL
/// documentation, "Message Formats")
const IDLE: u8 = b'I';
const READY_FOR_QUERY: u8 = b'Z';

pub struct Session {
    pub client: Client,
    /// The last transaction status that the server sent.
    status: Arc<AtomicU8>,
    /// Whether a statement is running, or was aborted together with its instance.
    busy: AtomicBool,
    broken: AtomicBool,
}

impl Session {
    /// Connects to the first server of the address that accepts.
    ///
    /// # Errors
    /// When no server can be reached, when TLS cannot be negotiated, or when Postgres refuses the login.
    pub async fn connect(config: &Config) -> Result<Self> {
        let (stream, host) = connect_any(config).await?;
        let stream = tls::negotiate(stream, host, config.get_ssl_mode()).await?;
        let status = Arc::new(AtomicU8::new(IDLE));
        let stream = ScannedStream {
            stream,
            scanner: Scanner::new(status.clone()),
        };
        // TLS is negotiated already.
        let mut config = config.clone();
        config.ssl_mode(SslMode::Disable);
        let (client, connection) = config.connect_raw(stream, NoTls).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::info!("a connection to Postgres failed: {error}");
            }
        });
        Ok(Self {
            client,
            status,
            busy: AtomicBool::new(false),
            broken: AtomicBool::new(false),
        })
    }

    pub fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Release);
    }

    /// The session is not reused after this.
    pub fn mark_broken(&self) {
        self.broken.store(true, Ordering::Release);
    }

    pub fn is_reusable(&self) -> bool {
        let unusable = self.busy.load(Ordering::Acquire) || self.broken.load(Ordering::Acquire);
        !unusable && !self.in_transaction() && !self.client.is_closed()
    }

    /// Whether the last completed statement left a transaction open.
    pub fn in_transaction(&self) -> bool {
        self.status.load(Ordering::Acquire) != IDLE
    }
}

/// Tries the servers of the address in their order. Returns a connection and the name of its server.
async fn connect_any(config: &Config) -> Result<(TcpStream, &str)> {
    let mut failed = None;
    for (index, host) in config.get_hosts().iter().enumerate() {
        let Host::Tcp(host) = host else { continue };
        let ports = config.get_ports();
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        match connect(host, port, config).await {
            Ok(stream) => return Ok((stream, host)),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => bail!("the address contains no host"),
    }
}

async fn connect(host: &str, port: u16, config: &Config) -> Result<TcpStream> {
    let connecting = TcpStream::connect((host, port));
    let connected = match config.get_connect_timeout() {
        Some(limit) => timeout(*limit, connecting).await.with_context(|| {
            format!("Postgres at {host}:{port} did not answer within `connect_timeout`")
        })?,
        None => connecting.await,
    };
    let stream =
        connected.with_context(|| format!("cannot connect to Postgres at {host}:{port}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A connection whose incoming bytes also go through the scanner.
struct ScannedStream {
    stream: Box<dyn Stream>,
    scanner: Scanner,
}

/// Finds the transaction status in the server's messages. A message has a type byte, a four-byte length that counts
/// itself too, and a body.
struct Scanner {
    status: Arc<AtomicU8>,
    /// The bytes of the current header so far.
    header: Vec<u8>,
    /// How many bytes of the current body are still to come.
    body: usize,
    /// Whether the next byte is the body of a ReadyForQuery message, which is the status.
    status_follows: bool,
}

impl Scanner {
    fn new(status: Arc<AtomicU8>) -> Self {
        Self {
            status,
            header: Vec::new(),
            body: 0,
            status_follows: false,
        }
    }

    /// Reads the next bytes of the stream, which may start and end anywhere in a message.
    fn scan(&mut self, mut bytes: &[u8]) {
        while let Some(first) = bytes.first() {
            if self.body > 0 {
                if self.status_follows {
                    self.status.store(*first, Ordering::Release);
                    self.status_follows = false;
                }
                let skipped = self.body.min(bytes.len());
                self.body -= skipped;
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            self.header.push(*first);
            bytes = bytes.get(1..).unwrap_or_default();
            if let [kind, length @ ..] = self.header.as_slice()
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                self.body = (u32::from_be_bytes(length) as usize).saturating_sub(length.len());
                self.status_follows = *kind == READY_FOR_QUERY;
                self.header.clear();
            }
        }
    }
}

impl AsyncRead for ScannedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.scanner
            .scan(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ScannedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_status_wherever_the_stream_is_split() {
        // ParseComplete, a DataRow whose text looks like a ReadyForQuery, and a ReadyForQuery inside a transaction.
        let bytes = b"1\0\0\0\x04D\0\0\0\x0dZ\0\0\0\x05IIIIZ\0\0\0\x05T";
        for cut in 0..bytes.len() {
            let status = Arc::new(AtomicU8::new(IDLE));
            let mut scanner = Scanner::new(status.clone());
            let (first, second) = bytes.split_at(cut);
            scanner.scan(first);
            assert_eq!(status.load(Ordering::Acquire), IDLE);
            scanner.scan(second);
            assert_eq!(status.load(Ordering::Acquire), b'T', "cut at {cut}");
        }
    }
}
