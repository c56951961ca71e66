//! Batches: many changes in one request, each with its own result, or all of them or none.

mod operations;
mod races;
mod whole;

use anyhow::{Context, Result};
pub use operations::{dues_in_a_batch, every_operation, results_in_order};
pub use races::{batches_race, one_id_in_two_batches};
use serde_json::{Value, json};
use tests::client::{Call, Calls, Person, text};
pub use whole::{atomic_is_all_or_nothing, one_key_one_batch};

const PATH: &str = "/api/tasks/batch";

fn call(person: &Person, operations: &[Value]) -> Call {
    person.post(PATH).json(&json!({"operations": operations}))
}

fn atomic(person: &Person, operations: &[Value]) -> Call {
    person
        .post(PATH)
        .json(&json!({"operations": operations, "atomic": true}))
}

/// The results of a batch that is answered as one.
async fn results(call: Call) -> Result<Vec<Value>> {
    let body = call.send().await?.expect(200)?.json()?;
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

async fn read(person: &Person, task: &Value) -> Result<Value> {
    let path = format!("/api/tasks/{}", text(task, "id")?);
    person.get(&path).send().await?.expect(200)?.json()
}
