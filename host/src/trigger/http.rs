//! The HTTP trigger: an HTTP/1.1 server that handles each request with a fresh instance of a function.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
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

/// Takes the function's response as soon as the function sets it.
type ResponseSender = oneshot::Sender<Result<Response<Body>, ErrorCode>>;

const WELL_KNOWN: &str = "/.well-known/spin/";

/// Accepts connections. Does not return.
pub async fn serve(listener: TcpListener, router: Router) -> Result<()> {
    println!("Serving http://{}", listener.local_addr()?);
    let router = Arc::new(router);
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
        tokio::spawn(serve_connection(stream, client, router.clone()));
    }
}

async fn serve_connection(stream: TcpStream, client: SocketAddr, router: Arc<Router>) {
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request| {
        let router = router.clone();
        async move { Ok::<_, Infallible>(respond(&router, request, client).await) }
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

async fn respond(
    router: &Router,
    mut request: Request<Incoming>,
    client: SocketAddr,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if let Some(name) = path.strip_prefix(WELL_KNOWN) {
        return well_known(name);
    }
    let Some((route, captures)) = router.find(&path) else {
        return empty(StatusCode::NOT_FOUND);
    };
    if let Err(error) = spin_request::prepare(&mut request, &route, &path, &captures, client) {
        tracing::info!(component = %route.function.name(), path, "an invalid request: {error:#}");
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let (sender, response) = oneshot::channel();
    // The function runs in a task of its own, so it continues after its client has disconnected. Spin does the same.
    tokio::spawn(async move {
        if let Err(error) = invoke(&route, request, sender).await {
            let component = route.function.name();
            match error.is::<PoolConcurrencyLimitError>() {
                true => tracing::warn!(component, path, "too many instances at once: {error}"),
                false => tracing::error!(component, path, "the function failed: {error:#}"),
            }
        }
    });
    match response.await {
        Ok(Ok(response)) => response,
        Ok(Err(code)) => {
            tracing::info!("a function responded with the error {code:?}");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
        // The function ended without a response.
        Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// Runs the function to its end, which may be long after its response.
async fn invoke(
    route: &Route,
    request: Request<Incoming>,
    sender: ResponseSender,
) -> wasmtime::Result<()> {
    let mut store = route.function.new_store();
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

fn well_known(name: &str) -> Response<Body> {
    match name {
        "health" => Response::new(
            Full::new(Bytes::from_static(b"OK"))
                .map_err(|never| match never {})
                .boxed_unsync(),
        ),
        _ => empty(StatusCode::NOT_FOUND),
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}
