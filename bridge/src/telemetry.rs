//! Log output of the process: text on a terminal, JSON lines elsewhere.
//!
//! `RUST_LOG` filters it; `LOG_FORMAT=json` or `LOG_FORMAT=text` overrides the format.

use std::env;
use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Installs the global tracing subscriber. It writes to stderr, because commands print their results on stdout.
pub fn start() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,refinery_core=warn,tokio_postgres=warn"));
    let text = match env::var("LOG_FORMAT").as_deref() {
        Ok("json") => false,
        Ok("text") => true,
        _ => io::stderr().is_terminal(),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // Fails if a subscriber is installed already, as in a second call from a test; that one stays.
    let _ = if text {
        subscriber.try_init().is_ok()
    } else {
        subscriber.json().flatten_event(true).try_init().is_ok()
    };
}
