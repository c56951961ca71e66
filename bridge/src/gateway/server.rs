//! The HTTP server of the gateway. It limits the time that a client has for its request, which `axum::serve` does not.

use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use redis::io::tcp::socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Gateway;
use super::connection::CLOSE_LIMIT;
use super::events::{self, Connection};
use super::websocket::{self, HANDSHAKE_LIMIT};

/// The most bytes of a request's header.
const MOST_HEADER: usize = 16 * 1024;
/// Time after which the kernel gives up a connection whose peer takes nothing.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// Pause after a connection could not be accepted, for example because there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Lets this process open as many files as the system allows it. Many systems allow 1,024 at first, and each connection is one.
pub fn allow_many_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        warn!(%error, "the limit of open files could not be raised");
    }
}

/// Serves connections. Ends only with its caller.
pub async fn run(listener: &TcpListener, gateway: &Arc<Gateway>) {
    let app = Router::new()
        .route("/live", get(websocket::upgrade))
        .route("/live/events", get(events::stream))
        .with_state(gateway.clone());
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = serve(stream, app.clone(), gateway.stop.clone());
                gateway.tasks.spawn(connection);
            }
            Err(error) => {
                warn!(%error, "a live connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves the requests of one connection. A WebSocket leaves this function when it begins.
async fn serve(stream: TcpStream, app: Router, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    let ended = CancellationToken::new();
    let app = app.layer(Extension(Connection(ended.clone())));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE_LIMIT)
        .max_buf_size(MOST_HEADER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
        .with_upgrades();
    tokio::select! {
        served = connection => if let Err(error) = served {
            debug!(%error, "a live connection ended with an error");
        },
        () = ended.cancelled() => {}
        // A stream of events says why it ends.
        () = async { stop.cancelled().await; sleep(CLOSE_LIMIT).await } => {}
    }
    ended.cancel();
}
