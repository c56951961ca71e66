//! `cargo dev`: builds, runs and tests the whole system on one machine.

mod bench;
mod commands;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match commands::main().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\x1b[31merror:\x1b[0m {error:#}");
            ExitCode::FAILURE
        }
    }
}
