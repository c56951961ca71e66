//! The export of the audit trail as a stream of lines: filters, where it ends, and what interrupts it.

mod filters;
mod interrupted;

use anyhow::{Context, Result, ensure};
pub use filters::filters_of_list_and_export;
pub use interrupted::{
    an_export_is_a_snapshot, an_export_is_interrupted, clients_that_stop_reading,
};
use serde_json::Value;
use tests::client::{Requests, User};

/// All entries of an export, which is one JSON document per line.
async fn exported(user: &User, query: &str) -> Result<Vec<Value>> {
    let path = format!("/api/audit/export{query}");
    let response = user.get(&path).send().await?.expect(200)?;
    ensure!(
        response.header("content-type") == Some("application/x-ndjson"),
        "{:?}",
        response.headers
    );
    lines(&response.body)
}

fn lines(body: &[u8]) -> Result<Vec<Value>> {
    ensure!(
        body.is_empty() || body.ends_with(b"\n"),
        "the last line has no line feed"
    );
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    lines
        .map(|line| serde_json::from_slice(line).context("a line is not JSON"))
        .collect()
}
