//! The program `bridge`: sets up tracing and runs the command that the arguments name.

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
