//! The program `spindle`: tasks on the command line, offline and online.

mod arguments;
mod failure;
mod times;
mod fields;
mod app;
mod output;
mod commands;

use std::process::ExitCode;

use clap::Parser;

use self::arguments::Arguments;
use self::output::Output;

// One thread: a command does one thing at a time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(&arguments);
    match commands::run(&arguments, &output).await {
        Ok(code) => code,
        Err(failure) => output.failure(&failure),
    }
}
