//! The `host` program: runs a Spin application for `cargo dev up` and for the tests.

use std::process::exit;

use clap::Parser;
use host::command::Arguments;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| "info,cranelift_codegen=warn,wasmtime=warn".into()),
        )
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let result = arguments.run().await;
    if let Err(error) = &result {
        eprintln!("\x1b[31merror:\x1b[0m {error:#}");
    }
    // Functions may still run. If the runtime ended first, one that waits for a task of its own would panic, because the task ended
    // before it (`wasmtime_wasi::runtime::AbortOnDropJoinHandle`).
    exit(result.is_err().into());
}
