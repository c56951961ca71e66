//! Stale versions and reused idempotency keys.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::client::{Answer, Calls, number, text};
use tests::stage::World;
use uuid::Uuid;

use super::Refusals;

pub async fn stale_and_reused(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = person.create(json!({"title": "First"})).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let now = person
        .patch(&path)
        .if_match(number(&task, "version")?)
        .json(&json!({"title": "Second"}))
        .send()
        .await?;
    let now = number(&now.expect(200)?.json()?, "version")?;
    let body = json!({"title": "Third"});
    let key = Uuid::new_v4().to_string();
    let done = person
        .post("/api/tasks")
        .key(&key)
        .json(&json!({"title": "Once"}))
        .send()
        .await?
        .expect(201)?;
    let mut refusals = Refusals::start(world).await?;
    for stale in [now - 1, now + 1, 0, -1, i64::MAX] {
        refusals
            .refuse(
                "stale PATCH",
                &[412],
                person.patch(&path).if_match(stale).json(&body),
            )
            .await;
        refusals
            .refuse(
                "stale PUT",
                &[412],
                person.put(&path).if_match(stale).json(&body),
            )
            .await;
        refusals
            .refuse("stale DELETE", &[412], person.delete(&path).if_match(stale))
            .await;
    }
    for odd in ["x", "\"x\"", "W/\"1\"", "\"", "\"99999999999999999999\""] {
        let call = person.patch(&path).header("if-match", odd).json(&body);
        refusals
            .refuse(&format!("If-Match {odd}"), &[400, 412, 422], call)
            .await;
    }
    let other = person
        .post("/api/tasks")
        .key(&key)
        .json(&json!({"title": "Another"}));
    refusals.refuse("a reused key", &[422], other).await;
    let long = person.post("/api/tasks").key(&"k".repeat(256)).json(&body);
    refusals.refuse("a long key", &[400, 422], long).await;
    let empty = person.post("/api/tasks").key("").json(&body);
    refusals.refuse("an empty key", &[400, 422], empty).await;
    refusals.end().await?;
    let stale = person
        .patch(&path)
        .if_match(now - 1)
        .json(&body)
        .send()
        .await?;
    ensure!(
        stale.header("etag") == Some(&format!("\"{now}\"")),
        "412 names {:?} as the current ETag",
        stale.header("etag")
    );
    let again = person
        .post("/api/tasks")
        .key(&key)
        .json(&json!({"title": "Once"}))
        .send()
        .await?
        .expect(201)?;
    same_answer(&done, &again)
}

fn same_answer(first: &Answer, again: &Answer) -> Result<()> {
    ensure!(
        again.header("idempotency-replayed") == Some("true"),
        "a replay does not say so"
    );
    ensure!(
        first.body == again.body,
        "a replay differs from the first answer"
    );
    Ok(())
}
