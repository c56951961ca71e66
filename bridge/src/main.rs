//! Starts the bridge.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    bridge::telemetry::start();
    match bridge::cli::main().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bridge: {error:#}");
            ExitCode::FAILURE
        }
    }
}
