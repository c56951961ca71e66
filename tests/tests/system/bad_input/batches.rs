//! Batches that nobody should send.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::client::{Calls, text};
use tests::stage::World;

use super::{Refusals, post};

const PATH: &str = "/api/tasks/batch";

pub async fn hostile_batches(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let create = json!({"op": "create", "task": {"title": "x"}});
    let many = |count: usize| json!({"operations": vec![create.clone(); count]});
    let deep = format!(
        r#"{{"operations":[{{"op":"create","task":{}1{}}}]}}"#,
        "[".repeat(30_000),
        "]".repeat(30_000)
    );
    let envelopes: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", b"".to_vec()),
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
    let mut refusals = Refusals::start(world).await?;
    for (name, body) in &envelopes {
        let call = post(&person, PATH, body);
        refusals.refuse(name, &[400, 422], call).await;
    }
    let junk = json!({"operations": [
        null, 7, "delete", [], [[[]]], {}, {"op": null}, {"op": {"op": "create"}}, {"op": "CREATE", "task": {"title": "x"}},
        {"op": "create", "task": {"title": "a\u{0}b"}}, {"op": "create", "task": [{"title": "x"}]},
        {"op": "create", "task": {"title": "x", "version": 7}}, {"op": "delete", "id": "' or true --"},
        {"op": "update", "id": "00000000-0000-0000-0000-000000000000", "fields": {"title": "x"}},
        {"op": "delete", "id": "01890000-0000-7000-8000-000000000000", "if_match": 1e300},
    ]});
    let body = serde_json::to_vec(&json!({"operations": junk["operations"], "atomic": true}))?;
    let call = post(&person, PATH, &body);
    refusals.refuse("junk, atomic", &[422], call).await;
    let large = |bytes: usize| format!("{{\"operations\":[],\"x\":\"{}\"}}", "x".repeat(bytes));
    let more = large(1024 * 1024).into_bytes();
    let call = post(&person, PATH, &more);
    refusals.refuse("more than 1 MiB", &[413], call).await;
    let call = post(&person, PATH, b"{}").header("content-type", "text/plain");
    refusals.refuse("text", &[415], call).await;
    let call = person.api.post(PATH).json(&many(1));
    refusals.refuse("nobody", &[401], call).await;
    refusals.end().await?;

    let answer = post(&person, PATH, &more).send().await?.problem(413)?;
    ensure!(
        text(&answer, "detail")?.contains("1024 KiB"),
        "another limit is named: {answer}"
    );
    let single = post(&person, "/api/tasks", &more)
        .send()
        .await?
        .problem(413)?;
    ensure!(
        text(&single, "detail")?.contains("256 KiB"),
        "another limit is named: {single}"
    );
    // Without atomic all of the junk is answered, each by itself, and nothing of it is a task.
    let answer = person
        .post(PATH)
        .json(&junk)
        .send()
        .await?
        .expect(200)?
        .json()?;
    let results = answer["results"].as_array().cloned().unwrap_or_default();
    ensure!(
        results.len() == 15 && results.iter().all(|result| result["status"] == 422),
        "{answer}"
    );
    ensure!(person.pages("/api/tasks").await?.is_empty(), "junk is kept");
    // What is large for one task is not for a batch.
    let task = json!({"op": "create", "task": {"title": "x", "description": "é".repeat(9_000)}});
    let body = json!({"operations": vec![task; 50]});
    let answer = person
        .post(PATH)
        .json(&body)
        .send()
        .await?
        .expect(200)?
        .json()?;
    let results = answer["results"].as_array().cloned().unwrap_or_default();
    ensure!(
        results.len() == 50 && results.iter().all(|result| result["status"] == 201),
        "900 kB of tasks are refused"
    );
    Ok(())
}
