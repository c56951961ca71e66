//! The HTTP trigger: routes, Spin's headers, and one fresh instance per request.
use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use http::header::HOST;
use http::uri::Scheme as UriScheme;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use routefinder::Captures;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use wasmtime::PoolConcurrencyLimitError;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::ProxyIndices;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody as Body;

use crate::find;
use crate::guest::Function;
use crate::manifest::{HttpTrigger, Route};

type Sender = oneshot::Sender<Result<Response<Body>, ErrorCode>>;

const WELL_KNOWN: &str = "/.well-known/spin/";

/// Which function serves which path.
pub struct Router(routefinder::Router<Arc<Handler>>);

struct Handler {
    function: Arc<Function>,
    proxy: ProxyIndices,
    /// The route as the manifest has it, and without its wildcard.
    route: HeaderValue,
    prefix: HeaderValue,
}

impl Router {
    pub fn new(
        triggers: Vec<HttpTrigger>,
        functions: &HashMap<String, Arc<Function>>,
    ) -> Result<Self> {
        let mut router = routefinder::Router::new();
        for trigger in triggers {
            let route = match &trigger.route {
                Route::Public(route) => route,
                Route::Private { private } => {
                    ensure!(private, "a route is a path or {{ private = true }}");
                    continue;
                }
            };
            let function = find(functions, &trigger.component)?;
            let proxy = ProxyIndices::new(function.pre())
                .map_err(anyhow::Error::from)
                .with_context(|| format!("component `{}` is no HTTP handler", trigger.component))?;
            let prefix = route.strip_suffix("/...");
            let handler = Handler {
                function,
                proxy,
                route: HeaderValue::from_str(route)?,
                prefix: HeaderValue::from_str(prefix.unwrap_or(route))?,
            };
            let pattern = prefix.map_or_else(
                || route.strip_suffix('/').unwrap_or(route).to_owned(),
                |prefix| format!("{prefix}/*"),
            );
            router
                .add(pattern.as_str(), Arc::new(handler))
                .map_err(|error| anyhow!("route `{route}`: {error}"))?;
        }
        Ok(Self(router))
    }
}

pub async fn serve(listener: TcpListener, router: Router) -> Result<()> {
    println!("Serving http://{}", listener.local_addr()?);
    let router = Arc::new(router);
    loop {
        let (stream, client) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // A client that left while it was queued, or no file left to open: neither ends the server.
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
        async move { Ok::<_, Infallible>(answer(&router, request, client).await) }
    });
    // Without `pipeline_flush`, under which hyper holds any amount of a body that its client does not take.
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!("connection of {client}: {error}");
    }
}

async fn answer(
    router: &Router,
    mut request: Request<Incoming>,
    client: SocketAddr,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if let Some(name) = path.strip_prefix(WELL_KNOWN) {
        return well_known(name);
    }
    let Some(matched) = router.0.best_match(&path) else {
        return status(StatusCode::NOT_FOUND);
    };
    let handler = matched.handler().clone();
    if let Err(error) = prepare(&mut request, &handler, &path, &matched.captures(), client) {
        tracing::info!(component = %handler.function.name, path, "a request that no function can have: {error:#}");
        return status(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let (sender, response) = oneshot::channel();
    // In a task of its own, because the function goes on when its client has left.
    tokio::spawn(async move {
        if let Err(error) = invoke(&handler, request, sender).await {
            let component = &*handler.function.name;
            match error.is::<PoolConcurrencyLimitError>() {
                true => tracing::warn!(component, path, "too many instances at once: {error}"),
                false => tracing::error!(component, path, "the function failed: {error:#}"),
            }
        }
    });
    match response.await {
        Ok(Ok(response)) => response,
        Ok(Err(code)) => {
            tracing::info!("a function answered with the error {code:?}");
            status(StatusCode::INTERNAL_SERVER_ERROR)
        }
        Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// Runs the function to its end, which may come long after its response.
async fn invoke(
    handler: &Handler,
    request: Request<Incoming>,
    sender: Sender,
) -> wasmtime::Result<()> {
    let mut store = handler.function.store();
    let request = store
        .data_mut()
        .http()
        .new_incoming_request(Scheme::Http, request)?;
    let outparam = store.data_mut().http().new_response_outparam(sender)?;
    let instance = handler.function.pre().instantiate_async(&mut store).await?;
    let proxy = handler.proxy.load(&mut store, &instance)?;
    proxy
        .wasi_http_incoming_handler()
        .call_handle(&mut store, request, outparam)
        .await
}

/// Adds what Spin tells a function in headers, and the authority that the request's URI lacks.
fn prepare(
    request: &mut Request<Incoming>,
    handler: &Handler,
    path: &str,
    captures: &Captures,
    client: SocketAddr,
) -> Result<()> {
    let host = request
        .headers()
        .get(HOST)
        .context("a request without a Host header")?;
    let host = host
        .to_str()
        .context("a Host header that is not text")?
        .to_owned();
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let full_url = format!("http://{host}{target}");
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(UriScheme::HTTP);
    parts.authority = Some(host.parse().context("a Host header that is no authority")?);
    *request.uri_mut() = Uri::from_parts(parts)?;

    let headers = request.headers_mut();
    headers.append(
        HeaderName::from_static("spin-path-info"),
        HeaderValue::from_str(&path_info(captures, path))?,
    );
    headers.append(
        HeaderName::from_static("spin-full-url"),
        HeaderValue::from_str(&full_url)?,
    );
    headers.append(
        HeaderName::from_static("spin-matched-route"),
        handler.route.clone(),
    );
    headers.append(
        HeaderName::from_static("spin-base-path"),
        HeaderValue::from_static("/"),
    );
    headers.append(
        HeaderName::from_static("spin-raw-component-route"),
        handler.route.clone(),
    );
    headers.append(
        HeaderName::from_static("spin-component-route"),
        handler.prefix.clone(),
    );
    headers.append(
        HeaderName::from_static("spin-client-addr"),
        HeaderValue::from_str(&client.to_string())?,
    );
    for (name, value) in captures.iter() {
        let name = format!("spin-path-match-{}", name.to_ascii_lowercase());
        headers.append(HeaderName::try_from(name)?, HeaderValue::from_str(value)?);
    }
    Ok(())
}

/// What the wildcard stands for, with its slashes.
fn path_info<'a>(captures: &'a Captures, path: &str) -> Cow<'a, str> {
    match (captures.wildcard(), path.ends_with('/')) {
        (None, _) | (Some(""), false) => "".into(),
        (Some(""), true) => "/".into(),
        (Some(rest), false) => format!("/{rest}").into(),
        (Some(rest), true) => format!("/{rest}/").into(),
    }
}

fn well_known(name: &str) -> Response<Body> {
    match name {
        "health" => Response::new(
            Full::new(Bytes::from_static(b"OK"))
                .map_err(|never| match never {})
                .boxed_unsync(),
        ),
        _ => status(StatusCode::NOT_FOUND),
    }
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}
