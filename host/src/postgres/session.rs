//! One connection to Postgres that knows whether it is inside a transaction: the client library keeps that to itself, so the
//! bytes on their way to it are read along.
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context as Waker, Poll, ready};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

/// The status byte of ReadyForQuery outside of transactions; inside it is `T`, or `E` after an error.
const IDLE: u8 = b'I';
const READY_FOR_QUERY: u8 = b'Z';

pub struct Session {
    pub client: Client,
    status: Arc<AtomicU8>,
    /// Whether a statement is under way, or was when its guest was cut off.
    busy: AtomicBool,
    condemned: AtomicBool,
}

impl Session {
    pub async fn connect(config: &Config) -> Result<Self> {
        ensure!(
            config.get_ssl_mode() != SslMode::Require,
            "the embedded host speaks to Postgres without TLS only"
        );
        let stream = connect_any(config).await?;
        let status = Arc::new(AtomicU8::new(IDLE));
        let watched = Watched {
            stream,
            scanner: Scanner {
                status: status.clone(),
                header: Vec::new(),
                body: 0,
                ready: false,
            },
        };
        let (client, connection) = config.connect_raw(watched, NoTls).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::info!("a connection to Postgres ended: {error}");
            }
        });
        Ok(Self {
            client,
            status,
            busy: AtomicBool::new(false),
            condemned: AtomicBool::new(false),
        })
    }

    pub fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Release);
    }

    /// It is never given to a guest again.
    pub fn condemn(&self) {
        self.condemned.store(true, Ordering::Release);
    }

    pub fn is_reusable(&self) -> bool {
        let marked = self.busy.load(Ordering::Acquire) || self.condemned.load(Ordering::Acquire);
        !marked && !self.in_transaction() && !self.client.is_closed()
    }

    /// After the last statement that was answered.
    pub fn in_transaction(&self) -> bool {
        self.status.load(Ordering::Acquire) != IDLE
    }
}

/// The first of the address's servers that answers.
async fn connect_any(config: &Config) -> Result<TcpStream> {
    let mut failed = None;
    for (index, host) in config.get_hosts().iter().enumerate() {
        let Host::Tcp(host) = host else { continue };
        let ports = config.get_ports();
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        match connect(host, port, config).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => bail!("the address names no server"),
    }
}

async fn connect(host: &str, port: u16, config: &Config) -> Result<TcpStream> {
    let connecting = TcpStream::connect((host, port));
    let connected = match config.get_connect_timeout() {
        Some(limit) => timeout(*limit, connecting)
            .await
            .context("connect_timeout")?,
        None => connecting.await,
    };
    let stream =
        connected.with_context(|| format!("cannot connect to Postgres at {host}:{port}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

struct Watched {
    stream: TcpStream,
    scanner: Scanner,
}

/// Follows the server's messages: a type byte, a length that counts itself, a body.
struct Scanner {
    status: Arc<AtomicU8>,
    header: Vec<u8>,
    /// Bytes of the current message that are still to come.
    body: usize,
    ready: bool,
}

impl Scanner {
    fn follow(&mut self, mut bytes: &[u8]) {
        while let Some(first) = bytes.first() {
            if self.body > 0 {
                if self.ready {
                    self.status.store(*first, Ordering::Release);
                    self.ready = false;
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
                self.ready = *kind == READY_FOR_QUERY;
                self.header.clear();
            }
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        waker: &mut Waker<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(waker, buffer))?;
        self.scanner
            .follow(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        waker: &mut Waker<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(waker, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(waker)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(waker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_found_wherever_the_bytes_are_cut() {
        // ParseComplete, a row whose text looks like a message, ReadyForQuery inside a transaction.
        let bytes = b"1\0\0\0\x04D\0\0\0\x0dZ\0\0\0\x05IIIIZ\0\0\0\x05T";
        for cut in 0..bytes.len() {
            let status = Arc::new(AtomicU8::new(IDLE));
            let mut scanner = Scanner {
                status: status.clone(),
                header: Vec::new(),
                body: 0,
                ready: false,
            };
            let (first, second) = bytes.split_at(cut);
            scanner.follow(first);
            assert_eq!(status.load(Ordering::Acquire), IDLE);
            scanner.follow(second);
            assert_eq!(status.load(Ordering::Acquire), b'T', "cut at {cut}");
        }
    }
}
