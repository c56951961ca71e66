//! The audit trail as a stream: what it lets through, where it ends, and what ends it early.

mod cut_off;
mod filters;

use anyhow::{Context, Result, ensure};
pub use cut_off::{an_export_ends_where_it_began, an_export_is_cut_off, readers_that_leave};
pub use filters::filters_of_list_and_export;
use serde_json::Value;
use tests::client::{Calls, Person};

/// The entries of a whole export, each a line of its own.
async fn exported(person: &Person, query: &str) -> Result<Vec<Value>> {
    let path = format!("/api/audit/export{query}");
    let answer = person.get(&path).send().await?.expect(200)?;
    ensure!(
        answer.header("content-type") == Some("application/x-ndjson"),
        "{:?}",
        answer.headers
    );
    lines(&answer.body)
}

fn lines(body: &[u8]) -> Result<Vec<Value>> {
    ensure!(
        body.is_empty() || body.ends_with(b"\n"),
        "the last line has no end"
    );
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    lines
        .map(|line| serde_json::from_slice(line).context("a line is an entry"))
        .collect()
}
