//! Stale versions in If-Match, and idempotency keys that were used for another request.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::client::{Requests, Response, number, text};
use tests::fixture::Fixture;
use uuid::Uuid;

use super::Rejections;

pub async fn stale_versions_and_reused_keys(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "First"})).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let now = user
        .patch(&path)
        .if_match(number(&task, "version")?)
        .json(&json!({"title": "Second"}))
        .send()
        .await?;
    let now = number(&now.expect(200)?.json()?, "version")?;
    let body = json!({"title": "Third"});
    let key = Uuid::new_v4().to_string();
    let done = user
        .post("/api/tasks")
        .key(&key)
        .json(&json!({"title": "Once"}))
        .send()
        .await?
        .expect(201)?;
    let mut rejections = Rejections::start(fixture).await?;
    for stale in [now - 1, now + 1, 0, -1, i64::MAX] {
        rejections
            .check(
                "stale PATCH",
                &[412],
                user.patch(&path).if_match(stale).json(&body),
            )
            .await;
        rejections
            .check(
                "stale PUT",
                &[412],
                user.put(&path).if_match(stale).json(&body),
            )
            .await;
        rejections
            .check("stale DELETE", &[412], user.delete(&path).if_match(stale))
            .await;
    }
    for invalid in ["x", "\"x\"", "W/\"1\"", "\"", "\"99999999999999999999\""] {
        let request = user.patch(&path).header("if-match", invalid).json(&body);
        rejections
            .check(&format!("If-Match {invalid}"), &[400, 412, 422], request)
            .await;
    }
    let other = user
        .post("/api/tasks")
        .key(&key)
        .json(&json!({"title": "Another"}));
    rejections.check("a reused key", &[422], other).await;
    let long = user.post("/api/tasks").key(&"k".repeat(256)).json(&body);
    rejections.check("a long key", &[400, 422], long).await;
    let empty = user.post("/api/tasks").key("").json(&body);
    rejections.check("an empty key", &[400, 422], empty).await;
    rejections.finish().await?;
    let stale = user
        .patch(&path)
        .if_match(now - 1)
        .json(&body)
        .send()
        .await?;
    ensure!(
        stale.header("etag") == Some(&format!("\"{now}\"")),
        "the ETag of 412 is {:?}, not the current version",
        stale.header("etag")
    );
    let again = user
        .post("/api/tasks")
        .key(&key)
        .json(&json!({"title": "Once"}))
        .send()
        .await?
        .expect(201)?;
    is_replay_of(&done, &again)
}

fn is_replay_of(first: &Response, again: &Response) -> Result<()> {
    ensure!(
        again.header("idempotency-replayed") == Some("true"),
        "the response is not marked as a replay"
    );
    ensure!(
        first.body == again.body,
        "the replay differs from the first response"
    );
    Ok(())
}
