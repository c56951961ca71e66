//! The requests of an engine over HTTP, and what has become of them.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::client::{Requests, User, escape};

/// What has become of a request.
#[derive(Debug)]
pub struct Reply {
    /// As the engine takes it.
    pub answer: Value,
    /// The entity tag of a page.
    pub tag: Option<String>,
}

impl Reply {
    /// There is no answer, or the server asks to come again.
    pub fn failed() -> Self {
        Self {
            answer: json!("failed"),
            tag: None,
        }
    }

    pub fn is_failed(&self) -> bool {
        self.answer == "failed"
    }
}

/// The operations of a push; `None` for a pull.
pub fn operations(call: &Value) -> Option<&Vec<Value>> {
    call["push"]["operations"].as_array()
}

/// Sends the call of an engine. A pull asks for pages of up to `limit` rows, and with a `tag` for nothing if nothing is new. All
/// events of a push have the id of its first operation as correlation id, however often it is sent.
///
/// # Errors
/// The server answers what it must not answer to an engine.
pub async fn send(user: User, call: Value, limit: u64, tag: Option<String>) -> Result<Reply> {
    let pushed = operations(&call);
    let request = match pushed {
        Some(operations) => {
            let first = operations.first().context("an empty batch")?;
            user.post("/api/sync")
                .header(
                    "x-correlation-id",
                    first["op_id"].as_str().unwrap_or_default(),
                )
                .json(&json!({ "operations": operations }))
        }
        None => {
            let cursor = call["pull"]["cursor"].as_str().map(escape);
            let cursor = cursor.unwrap_or_default();
            let request = user.get(&format!("/api/sync?limit={limit}&cursor={cursor}"));
            match tag {
                Some(tag) => request.header("if-none-match", &tag),
                None => request,
            }
        }
    };
    let Ok(response) = request.send().await else {
        return Ok(Reply::failed());
    };
    let answer = match (pushed.is_some(), response.status.as_u16()) {
        (true, 200) => json!({ "results": response.json()? }),
        (false, 200) => json!({ "page": response.json()? }),
        (false, 304) => json!("unchanged"),
        (true, 409) | (_, 429 | 500..) => json!("failed"),
        (_, status) => bail!("{status} to {call}: {response:?}"),
    };
    let tag = response.header("etag").map(str::to_owned);
    Ok(Reply { answer, tag })
}
