//! A load generator for HTTP: a fixed number of kept-alive connections, closed loop or open loop, with the latency of every
//! request.
//!
//! In a closed loop, each connection sends its next request when the previous one was answered; this measures throughput. In an
//! open loop, requests are due at a fixed rate whether or not earlier ones were answered, and latency counts from the time at
//! which a request was due. So a server that stalls cannot hide it (no coordinated omission).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A request to send. `path` includes the query; `body` is JSON, or empty for no body.
pub struct RequestSpec {
    pub method: Method,
    pub path: String,
    pub token: Arc<str>,
    pub body: Bytes,
}

/// When requests are sent.
#[derive(Clone, Copy)]
pub enum Pace {
    Closed,
    /// Requests per second over all connections together.
    Open(f64),
    /// So many requests at once, and no more.
    Burst(u64),
}

/// The results of a run.
pub struct Outcome {
    pub elapsed: Duration,
    pub failures: u64,
    /// The latency of each request, in ascending order.
    latencies: Vec<Duration>,
}

impl Outcome {
    /// Answered requests per second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// How many requests were answered with a success.
    pub fn answered(&self) -> u64 {
        self.latencies.len() as u64
    }

    /// The latency that a share of the requests, from 0 to 1, did not exceed.
    pub fn percentile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        let index = (last as f64 * share).round() as usize;
        self.latencies.get(index).copied().unwrap_or_default()
    }
}

/// Sends requests over `connections` connections to `address` for `length`. `make` builds each request from its number.
pub async fn run<M>(
    address: &str,
    connections: usize,
    pace: Pace,
    length: Duration,
    make: M,
) -> Result<Outcome>
where
    M: Fn(u64) -> RequestSpec + Send + Sync + 'static,
{
    let make = Arc::new(make);
    let next = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut workers = Vec::with_capacity(connections);
    for _ in 0..connections {
        let worker = Worker {
            sender: connect(address).await?,
            address: address.to_owned(),
            start,
            end: start + length,
            pace,
            next: next.clone(),
        };
        let make = make.clone();
        workers.push(tokio::spawn(async move { worker.run(&*make).await }));
    }
    let mut latencies = Vec::new();
    let mut failures = 0;
    for worker in workers {
        let (seen, failed) = worker.await??;
        latencies.extend(seen);
        failures += failed;
    }
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    Ok(Outcome {
        elapsed,
        failures,
        latencies,
    })
}

struct Worker {
    sender: SendRequest<Full<Bytes>>,
    address: String,
    start: Instant,
    end: Instant,
    pace: Pace,
    next: Arc<AtomicU64>,
}

impl Worker {
    async fn run(
        mut self,
        make: &(impl Fn(u64) -> RequestSpec + Sync),
    ) -> Result<(Vec<Duration>, u64)> {
        let mut latencies = Vec::new();
        let mut failures = 0;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let due = match self.pace {
                Pace::Closed => Instant::now(),
                Pace::Open(rate) => self.start + Duration::from_secs_f64(number as f64 / rate),
                Pace::Burst(size) if number < size => self.start,
                Pace::Burst(_) => self.end,
            };
            if due >= self.end {
                return Ok((latencies, failures));
            }
            tokio::time::sleep_until(due.into()).await;
            if self.send(make(number)).await? {
                latencies.push(due.elapsed());
            } else {
                failures += 1;
            }
        }
    }

    /// Sends one request and returns whether the answer was a success. Reconnects if the server closed the connection.
    async fn send(&mut self, request: RequestSpec) -> Result<bool> {
        if self.sender.ready().await.is_err() {
            self.sender = connect(&self.address).await?;
        }
        let request = Request::builder()
            .method(request.method)
            .uri(request.path)
            .header("host", &self.address)
            .header("authorization", format!("Bearer {}", request.token))
            .header("content-type", "application/json")
            .body(Full::new(request.body))?;
        let Ok(response) = self.sender.send_request(request).await else {
            return Ok(false);
        };
        let success = response.status().is_success();
        Ok(response.into_body().collect().await.is_ok() && success)
    }
}

async fn connect(address: &str) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
