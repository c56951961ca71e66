//! A TCP proxy that breaks the connections through it as networks do: it falls silent, slows them down, closes them, or leads
//! them to another server. Before Kafka, it can also withhold single kinds of requests.

mod requests;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use self::requests::Requests;
use crate::ports;

/// The most bytes that are read at once.
const CHUNK: usize = 32 * 1024;
/// Chunks that may be under way in each direction of a connection.
const UNDER_WAY: usize = 64;
/// How much later a chunk arrives that was lost. TCP sends it again, and what follows waits for it.
const RETRANSMISSION: Duration = Duration::from_millis(300);

/// A slow link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slow {
    /// Latency in each direction.
    pub delay: Duration,
    /// The share of chunks that are lost at first.
    pub loss: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Traffic {
    Clear,
    Slow(Slow),
    Silent,
}

#[derive(Debug, Clone)]
struct State {
    target: Arc<str>,
    traffic: Traffic,
    /// Connections of an earlier generation are closed.
    generation: u64,
    /// For a proxy before Kafka: the API keys of the requests that are not carried.
    withheld: Option<Arc<[i16]>>,
}

impl State {
    fn is_silent(&self) -> bool {
        self.traffic == Traffic::Silent
    }

    /// How long a chunk is under way that arrives at the proxy now.
    fn delay(&self) -> Duration {
        match self.traffic {
            Traffic::Clear | Traffic::Silent => Duration::ZERO,
            Traffic::Slow(slow) if rand::rng().random_bool(slow.loss) => {
                slow.delay + RETRANSMISSION
            }
            Traffic::Slow(slow) => slow.delay,
        }
    }
}

/// A running proxy on the loopback interface. Dropping it closes its port and its connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// Starts a proxy for `target`, which is `host:port`, on a free port.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start(target: &str) -> Result<Self> {
        Self::start_on(ports::free()?, target).await
    }

    /// Starts a proxy for `target` on this port.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start_on(port: u16, target: &str) -> Result<Self> {
        Self::listen(port, target, None).await
    }

    /// Starts a proxy on this port for a Kafka broker without TLS.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start_before_kafka(port: u16, target: &str) -> Result<Self> {
        Self::listen(port, target, Some([].into())).await
    }

    async fn listen(port: u16, target: &str, withheld: Option<Arc<[i16]>>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("a proxy for {target} cannot listen on port {port}"))?;
        let (state, current) = watch::channel(State {
            target: target.into(),
            traffic: Traffic::Clear,
            generation: 0,
            withheld,
        });
        let accepting = tokio::spawn(async move {
            // An error here is that of one connection, which its client has given up.
            loop {
                if let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(carry(client, current.clone()));
                }
            }
        });
        Ok(Self {
            port,
            state,
            accepting,
        })
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// From now on, drops the requests to Kafka that have one of these API keys, and carries all others.
    pub fn withhold(&self, keys: &[i16]) {
        self.set(|state| state.withheld = Some(keys.into()));
    }

    /// Carries nothing from now on. Connections stay open, and new ones are accepted and get no answer, as when the server
    /// vanishes without a word.
    pub fn fall_silent(&self) {
        self.set(|state| state.traffic = Traffic::Silent);
    }

    /// Carries everything late from now on.
    pub fn slow_down(&self, slow: Slow) {
        self.set(|state| state.traffic = Traffic::Slow(slow));
    }

    /// Carries everything again. What was held back arrives now, as after an outage that TCP survived.
    pub fn resume(&self) {
        self.set(|state| state.traffic = Traffic::Clear);
    }

    /// Carries new connections again. The others are closed, and what they held back is lost.
    pub fn recover(&self) {
        self.set(|state| {
            state.traffic = Traffic::Clear;
            state.generation += 1;
        });
    }

    /// Closes all connections. New ones are carried as before.
    pub fn sever(&self) {
        self.set(|state| state.generation += 1);
    }

    /// Closes all connections, and carries new ones to another server.
    pub fn redirect(&self, target: &str) {
        self.set(|state| {
            state.target = target.into();
            state.generation += 1;
        });
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        self.state.send_modify(change);
    }
}

/// Carries one connection until both ends have closed it, or the proxy closes it.
async fn carry(client: TcpStream, mut state: watch::Receiver<State>) {
    let (carried, generation) = (state.clone(), state.borrow().generation);
    tokio::select! {
        // An error means that the proxy was dropped.
        _ = state.wait_for(|state| state.generation != generation) => {}
        _ = connect(client, carried) => {}
    }
}

async fn connect(client: TcpStream, mut state: watch::Receiver<State>) -> Option<()> {
    let (target, requests) = {
        let state = state.wait_for(|state| !state.is_silent()).await.ok()?;
        let requests = state.withheld.as_ref().map(|_| Requests::default());
        (state.target.clone(), requests)
    };
    let server = TcpStream::connect(&*target).await.ok()?;
    client.set_nodelay(true).ok()?;
    server.set_nodelay(true).ok()?;
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    tokio::try_join!(
        one_way(from_client, to_server, state.clone(), requests),
        one_way(from_server, to_client, state, None),
    )
    .ok()?;
    Some(())
}

/// Carries one direction until its sender closes it. `requests` is for requests to Kafka.
async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    mut requests: Option<Requests>,
) -> std::io::Result<()> {
    let (sent, mut under_way) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let current = state.clone();
    let read = async move {
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            // To the other end a reset is a close, and it hears of that only when it would hear of bytes.
            let length = from.read_buf(&mut chunk).await.unwrap_or_default();
            let due = Instant::now() + current.borrow().delay();
            if let Some(requests) = &mut requests {
                let withheld = current.borrow().withheld.clone().unwrap_or_default();
                chunk = requests.carried(&chunk, &withheld);
            }
            if length == 0 || sent.send((due, chunk)).await.is_err() {
                return Ok(());
            }
        }
    };
    let write = async move {
        while let Some((due, chunk)) = under_way.recv().await {
            if due > Instant::now() {
                sleep_until(due).await;
            }
            carries(&mut state).await;
            to.write_all(&chunk).await?;
        }
        carries(&mut state).await;
        to.shutdown().await
    };
    tokio::try_join!(read, write).map(|_| ())
}

/// Waits while the proxy is silent.
async fn carries(state: &mut watch::Receiver<State>) {
    let _ = state.wait_for(|state| !state.is_silent()).await;
}
