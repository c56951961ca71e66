//! Services outside of Spindle, as far as Spindle uses them: a mail provider and a push service. They speak the real protocols on
//! loopback, and fail when a test tells them to.

pub mod mail;
pub mod push;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

/// What a service does with a request, instead of handling it or beside it.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It answers this status, with the seconds in `Retry-After`.
    Status(u16, Option<u64>),
    /// It answers this status, with the date in so many seconds in `Retry-After`.
    Until(u16, i64),
    /// It does not answer.
    Hang,
    /// It accepts the request, and the connection ends before the answer.
    Break,
}

/// The faults to come, one for each request.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<VecDeque<Fault>>>);

impl Faults {
    /// The next requests fail so.
    pub fn next(&self, fault: Fault, count: usize) {
        self.lock().extend(std::iter::repeat_n(fault, count));
    }

    /// All later requests are handled.
    pub fn end(&self) {
        self.lock().clear();
    }

    fn take(&self) -> Option<Fault> {
        self.lock().pop_front()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer of a service to a request.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

/// Serves HTTP on a free port of loopback, until the program ends.
///
/// # Errors
/// There is no free port.
async fn serve<Handler>(faults: Faults, handle: Handler) -> Result<SocketAddr>
where
    Handler: Fn(&Parts, &[u8]) -> Answer + Clone + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (faults, handle) = (faults.clone(), handle.clone());
            let service = service_fn(move |request| {
                let (faults, handle) = (faults.clone(), handle.clone());
                async move { answer(request, &faults, handle).await }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}

async fn answer<Handler>(
    request: Request<Incoming>,
    faults: &Faults,
    handle: Handler,
) -> Result<Response<Body>>
where
    Handler: Fn(&Parts, &[u8]) -> Answer,
{
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(Body::new(body), 1 << 20).await?;
    match faults.take() {
        None => {
            let Answer { status, body } = handle(&head, &body);
            let response = Response::builder()
                .status(StatusCode::from_u16(status)?)
                .header(header::LOCATION, "/message/1");
            Ok(response.body(body.to_string().into())?)
        }
        Some(Fault::Status(status, retry_after)) => {
            let mut response = Response::builder().status(status);
            if let Some(seconds) = retry_after {
                response = response.header(header::RETRY_AFTER, seconds);
            }
            Ok(response.body(Body::empty())?)
        }
        Some(Fault::Until(status, seconds)) => {
            // A date in HTTP has whole seconds (RFC 9110, section 5.6.7).
            let date = chrono::Utc::now() + chrono::TimeDelta::seconds(seconds + 1);
            let response = Response::builder().status(status).header(
                header::RETRY_AFTER,
                date.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            );
            Ok(response.body(Body::empty())?)
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Break) => {
            handle(&head, &body);
            Err(anyhow::anyhow!("the connection ends here"))
        }
    }
}

fn header_of(head: &Parts, name: &str) -> Result<String> {
    let value = head.headers.get(name);
    let value = value.with_context(|| format!("there is no header {name}"))?;
    Ok(value.to_str()?.to_owned())
}
