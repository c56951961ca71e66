//! Invalid and hostile batches.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::client::{Requests, text};
use tests::fixture::Fixture;

use super::{Rejections, post};

const PATH: &str = "/api/tasks/batch";

pub async fn hostile_batches(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let create = json!({"op": "create", "task": {"title": "x"}});
    let many = |count: usize| json!({"operations": vec![create.clone(); count]});
    let deep = format!(
        r#"{{"operations":[{{"op":"create","task":{}1{}}}]}}"#,
        "[".repeat(30_000),
        "]".repeat(30_000)
    );
    let envelopes: Vec<(&str, Vec<u8>)> = vec![
        ("an empty body", b"".to_vec()),
        ("an array", b"[]".to_vec()),
        ("no operations", b"{}".to_vec()),
        ("0 operations", serde_json::to_vec(&many(0))?),
        ("101 operations", serde_json::to_vec(&many(101))?),
        ("operations as an object", br#"{"operations":{}}"#.to_vec()),
        (
            "atomic as text",
            serde_json::to_vec(&json!({"operations": [create], "atomic": "yes"}))?,
        ),
        (
            "an unknown member",
            serde_json::to_vec(&json!({"operations": [create], "mode": "fast"}))?,
        ),
        (
            "operations twice",
            br#"{"operations":[{"op":"create","task":{"title":"x"}}],"operations":[]}"#.to_vec(),
        ),
        (
            "a member twice in one operation",
            br#"{"operations":[{"op":"create","op":"delete","task":{"title":"x"}}]}"#.to_vec(),
        ),
        (
            "a member twice in one task",
            br#"{"operations":[{"op":"create","task":{"title":"x","title":"y"}}]}"#.to_vec(),
        ),
        ("deep arrays", deep.into_bytes()),
        (
            "a lone surrogate",
            br#"{"operations":[{"op":"create","task":{"title":"\ud800"}}]}"#.to_vec(),
        ),
    ];
    let mut rejections = Rejections::start(fixture).await?;
    for (name, body) in &envelopes {
        let request = post(&user, PATH, body);
        rejections.check(name, &[400, 422], request).await;
    }
    let invalid = json!({"operations": [
        null, 7, "delete", [], [[[]]], {}, {"op": null}, {"op": {"op": "create"}}, {"op": "CREATE", "task": {"title": "x"}},
        {"op": "create", "task": {"title": "a\u{0}b"}}, {"op": "create", "task": [{"title": "x"}]},
        {"op": "create", "task": {"title": "x", "version": 7}}, {"op": "delete", "id": "' or true --"},
        {"op": "update", "id": "00000000-0000-0000-0000-000000000000", "fields": {"title": "x"}},
        {"op": "delete", "id": "01890000-0000-7000-8000-000000000000", "if_match": 1e300},
    ]});
    let body = serde_json::to_vec(&json!({"operations": invalid["operations"], "atomic": true}))?;
    let request = post(&user, PATH, &body);
    rejections
        .check("invalid operations, atomic", &[422], request)
        .await;
    let large = |bytes: usize| format!("{{\"operations\":[],\"x\":\"{}\"}}", "x".repeat(bytes));
    let more = large(1024 * 1024).into_bytes();
    let request = post(&user, PATH, &more);
    rejections.check("more than 1 MiB", &[413], request).await;
    let request = post(&user, PATH, b"{}").header("content-type", "text/plain");
    rejections
        .check("content type text/plain", &[415], request)
        .await;
    let request = user.api.post(PATH).json(&many(1));
    rejections.check("no token", &[401], request).await;
    rejections.finish().await?;

    let response = post(&user, PATH, &more).send().await?.problem(413)?;
    ensure!(
        text(&response, "detail")?.contains("1024 KiB"),
        "the problem names another limit: {response}"
    );
    let single = post(&user, "/api/tasks", &more)
        .send()
        .await?
        .problem(413)?;
    ensure!(
        text(&single, "detail")?.contains("256 KiB"),
        "the problem names another limit: {single}"
    );
    // A batch that is not atomic is accepted, and each invalid operation has a 422 of its own.
    let response = user
        .post(PATH)
        .json(&invalid)
        .send()
        .await?
        .expect(200)?
        .json()?;
    let results = response["results"].as_array().cloned().unwrap_or_default();
    ensure!(
        results.len() == 15 && results.iter().all(|result| result["status"] == 422),
        "{response}"
    );
    ensure!(
        user.pages("/api/tasks").await?.is_empty(),
        "an invalid operation created a task"
    );
    // A batch may be larger than a single task.
    let task = json!({"op": "create", "task": {"title": "x", "description": "é".repeat(9_000)}});
    let body = json!({"operations": vec![task; 50]});
    let response = user
        .post(PATH)
        .json(&body)
        .send()
        .await?
        .expect(200)?
        .json()?;
    let results = response["results"].as_array().cloned().unwrap_or_default();
    ensure!(
        results.len() == 50 && results.iter().all(|result| result["status"] == 201),
        "a batch of 900 kB is rejected"
    );
    Ok(())
}
