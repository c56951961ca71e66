//! PUT: a task is replaced, and what was read can be sent back.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::client::Requests;
use tests::fixture::Fixture;

use super::tasks::path;

pub async fn put_replaces(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user
        .create(json!({"title": "Old", "description": "old", "tags": ["a"], "priority": "low"}))
        .await?;
    let response = user
        .put(&path(&task)?)
        .json(&json!({"title": "New"}))
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        response["title"] == "New"
            && response["description"] == ""
            && response["tags"] == json!([]),
        "{response}"
    );
    ensure!(
        response["priority"] == "medium" && response["version"] == 2,
        "{response}"
    );
    let done = json!({"title": "New", "status": "completed"});
    let done = user
        .put(&path(&task)?)
        .json(&done)
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        done["status"] == "completed" && done["completed_at"].is_string(),
        "PUT with the status completed did not complete the task: {done}"
    );
    Ok(())
}

/// A client may send a task back as it has read it. A read-only member that differs is a fault, also of a version that another
/// request has changed.
pub async fn put_what_was_read(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let task = user
        .create(json!({"title": "Old", "tags": ["a"], "due": {"date": "2026-03-01"}}))
        .await?;
    let put = async |body: &Value| user.put(&path(&task)?).json(body).send().await;
    ensure!(
        put(&task).await?.expect(200)?.json()? == task,
        "what was read has changed"
    );
    let mut changed = task.clone();
    changed["title"] = json!("New");
    changed["due"] = json!({"date": "2026-03-02"});
    let changed = put(&changed).await?.expect(200)?.json()?;
    ensure!(
        changed["title"] == "New" && changed["due_at"] != task["due_at"],
        "{changed}"
    );
    // The task as it was before the change has another version and more.
    let problem = put(&task).await?.problem(422)?;
    let pointers: Vec<_> = problem["errors"].as_array().into_iter().flatten().collect();
    let pointers: Vec<_> = pointers
        .iter()
        .map(|fault| fault["pointer"].clone())
        .collect();
    for pointer in ["/version", "/seq", "/updated_at", "/due_at"] {
        ensure!(pointers.contains(&json!(pointer)), "{pointer}: {problem}");
    }
    for (name, value) in [
        ("id", json!(uuid::Uuid::new_v4())),
        ("version", json!(1)),
        ("version", json!("2")),
        ("created_at", json!("2026-03-01T00:00:00Z")),
        ("completed_at", changed["created_at"].clone()),
        ("series_id", json!("x")),
        ("seq", json!(1e300)),
    ] {
        let mut body = changed.clone();
        body[name] = value.clone();
        let problem = put(&body).await?.problem(422)?;
        let pointer = &problem["errors"][0]["pointer"];
        ensure!(*pointer == format!("/{name}"), "{name} {value}: {problem}");
    }
    let replace = |task: &Value| json!({"op": "replace", "id": task["id"], "task": task});
    let batch = json!({"operations": [replace(&changed), replace(&task)]});
    let batch = user.post("/api/tasks/batch").json(&batch).send().await?;
    let results = batch.expect(200)?.json()?["results"].clone();
    ensure!(results[0]["task"] == changed, "{results}");
    let fault = &results[1]["problem"]["errors"][0]["pointer"];
    let fault = fault.as_str().unwrap_or_default();
    ensure!(fault.starts_with("/operations/1/task/"), "{results}");
    Ok(())
}
