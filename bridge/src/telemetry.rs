//! Logs: lines for people on a terminal, JSON everywhere else. `RUST_LOG` filters, `LOG_FORMAT` decides.

use std::env;
use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Sets the process's logger; logs go to stderr, so that commands may print on stdout.
pub fn start() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,refinery_core=warn,tokio_postgres=warn"));
    let lines = match env::var("LOG_FORMAT").as_deref() {
        Ok("json") => false,
        Ok("text") => true,
        _ => io::stderr().is_terminal(),
    };
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // A second call, in a test, changes nothing.
    let _ = if lines {
        logger.try_init().is_ok()
    } else {
        logger.json().flatten_event(true).try_init().is_ok()
    };
}
