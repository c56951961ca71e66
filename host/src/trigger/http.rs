//! The HTTP trigger: an HTTP/1.1 server that handles each request with a fresh instance of a function.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use wasmtime::PoolConcurrencyLimitError;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody as Body;

mod router;
mod spin_request;

use router::Route;
pub use router::Router;

use crate::manifest::Application;

/// Takes the function's response as soon as the function sets it.
type ResponseSender = oneshot::Sender<Result<Response<Body>, ErrorCode>>;

const WELL_KNOWN: &str = "/.well-known/spin/";

/// What all connections share.
struct Server {
    router: Router,
    /// The body of `/.well-known/spin/info`.
    info: String,
    /// Where self-requests of the functions go.
    address: SocketAddr,
}

/// Accepts connections. Does not return.
pub async fn serve(listener: TcpListener, router: Router, application: Application) -> Result<()> {
    let address = listener.local_addr()?;
    println!("Serving http://{address}");
    let server = Arc::new(Server {
        router,
        info: serde_json::to_string_pretty(&application)?,
        address,
    });
    loop {
        let (stream, client) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // The client closed a queued connection, or no file descriptor is free. Neither ends the server.
                tracing::warn!("cannot accept a connection: {error}");
                tokio::task::yield_now().await;
                continue;
            }
        };
        tokio::spawn(serve_connection(stream, client, server.clone()));
    }
}

async fn serve_connection(stream: TcpStream, client: SocketAddr, server: Arc<Server>) {
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request| {
        let server = server.clone();
        async move { respond(&server, request, client).await }
    });
    // `pipeline_flush` stays off: with it, hyper buffers a response without a limit when the client does not read.
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!("the connection from {client} failed: {error}");
    }
}

/// # Errors
/// When the request names no host, or two. As on Spin, the connection is then closed without a response.
async fn respond(
    server: &Server,
    mut request: Request<Incoming>,
    client: SocketAddr,
) -> Result<Response<Body>> {
    let path = request.uri().path().to_owned();
    if let Some(name) = path.strip_prefix(WELL_KNOWN) {
        return Ok(server.well_known(name));
    }
    let Some((route, captures)) = server.router.find(&path) else {
        return Ok(empty(StatusCode::NOT_FOUND));
    };
    spin_request::complete_uri(&mut request)?;
    if let Err(error) = spin_request::add_headers(&mut request, &route, &path, &captures, client) {
        tracing::error!(component = %route.function.name(), path, "an invalid request: {error:#}");
        return Ok(empty(StatusCode::INTERNAL_SERVER_ERROR));
    }
    let (sender, response) = oneshot::channel();
    let address = server.address;
    // The function runs in a task of its own, so it continues after its client has disconnected. Spin does the same.
    tokio::spawn(async move {
        if let Err(error) = invoke(&route, request, sender, address).await {
            let component = route.function.name();
            match error.is::<PoolConcurrencyLimitError>() {
                true => tracing::warn!(component, path, "too many instances at once: {error}"),
                false => tracing::error!(component, path, "the function failed: {error:#}"),
            }
        }
    });
    Ok(match response.await {
        Ok(Ok(response)) => response,
        Ok(Err(code)) => {
            tracing::info!("a function responded with the error {code:?}");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
        // The function ended without a response.
        Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
    })
}

/// Runs the function to its end, which may be long after its response.
async fn invoke(
    route: &Route,
    request: Request<Incoming>,
    sender: ResponseSender,
    address: SocketAddr,
) -> wasmtime::Result<()> {
    let mut store = route.function.new_store(Some(address));
    let request = store
        .data_mut()
        .http()
        .new_incoming_request(Scheme::Http, request)?;
    let outparam = store.data_mut().http().new_response_outparam(sender)?;
    let instance = route.function.pre().instantiate_async(&mut store).await?;
    let export = route.export.load(&mut store, &instance)?;
    export
        .wasi_http_incoming_handler()
        .call_handle(&mut store, request, outparam)
        .await
}

impl Server {
    fn well_known(&self, name: &str) -> Response<Body> {
        match name {
            "health" => text("OK"),
            "info" => {
                let mut response = text(&self.info);
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(CONTENT_TYPE, json);
                response
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }
}

fn text(body: &str) -> Response<Body> {
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    Response::new(body.map_err(|never| match never {}).boxed_unsync())
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}
