//! Batches: many operations in one request, each with a result of its own, or atomic.

mod atomic;
mod concurrent;
mod operations;

use anyhow::{Context, Result};
pub use atomic::{atomic_batches, idempotency_key_of_a_batch};
pub use concurrent::{concurrent_batches, one_id_in_many_batches};
pub use operations::{due_dates_in_a_batch, every_operation, results_in_order};
use serde_json::{Value, json};
use tests::client::{RequestBuilder, Requests, User, text};

const PATH: &str = "/api/tasks/batch";

fn request(user: &User, operations: &[Value]) -> RequestBuilder {
    user.post(PATH).json(&json!({"operations": operations}))
}

fn atomic(user: &User, operations: &[Value]) -> RequestBuilder {
    user.post(PATH)
        .json(&json!({"operations": operations, "atomic": true}))
}

/// Sends a batch, which must be accepted, and returns the results of its operations.
async fn results(request: RequestBuilder) -> Result<Vec<Value>> {
    let body = request.send().await?.expect(200)?.json()?;
    let results = body["results"].as_array().cloned();
    results.with_context(|| format!("no results in {body}"))
}

fn statuses(results: &[Value]) -> Vec<u64> {
    let status = |result: &Value| result["status"].as_u64().unwrap_or_default();
    results.iter().map(status).collect()
}

fn create(title: &str) -> Value {
    json!({"op": "create", "task": {"title": title}})
}

async fn read(user: &User, task: &Value) -> Result<Value> {
    let path = format!("/api/tasks/{}", text(task, "id")?);
    user.get(&path).send().await?.expect(200)?.json()
}
