//! Resources of another user: they look as if they did not exist.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::client::{Requests, text};
use tests::fixture::Fixture;
use uuid::Uuid;

use super::Rejections;

pub async fn resources_of_other_users(fixture: &mut Fixture) -> Result<()> {
    let (owner, other) = (
        fixture.api.new_user("UTC").await?,
        fixture.api.new_user("UTC").await?,
    );
    let task = text(&owner.create(json!({"title": "Mine"})).await?, "id")?;
    let mut rejections = Rejections::start(fixture).await?;
    for id in [
        task.as_str(),
        &Uuid::new_v4().to_string(),
        "no-uuid",
        "%00",
        "..%2f..%2fusers",
    ] {
        let path = format!("/api/tasks/{id}");
        let body = json!({"title": "Theirs"});
        rejections
            .check(&format!("GET {id}"), &[404], other.get(&path))
            .await;
        rejections
            .check(
                &format!("PATCH {id}"),
                &[404],
                other.patch(&path).json(&body),
            )
            .await;
        rejections
            .check(&format!("PUT {id}"), &[404], other.put(&path).json(&body))
            .await;
        rejections
            .check(&format!("DELETE {id}"), &[404], other.delete(&path))
            .await;
        for verb in ["complete", "reopen", "restore"] {
            rejections
                .check(
                    &format!("{verb} {id}"),
                    &[404],
                    other.post(&format!("{path}/{verb}")),
                )
                .await;
        }
        rejections
            .check(
                &format!("history of {id}"),
                &[404],
                other.get(&format!("{path}/history")),
            )
            .await;
        let request = other.patch(&path).if_match(1).json(&body);
        rejections
            .check(&format!("PATCH with If-Match {id}"), &[404], request)
            .await;
    }
    let body = json!({"title": "x", "id": task});
    rejections
        .check(
            "an id that another user has taken",
            &[409],
            other.post("/api/tasks").json(&body),
        )
        .await;
    for path in ["/api/audit", "/api/audit/export"] {
        let path = format!("{path}?user_id={}", owner.id);
        rejections.check(&path, &[403], other.get(&path)).await;
    }
    rejections.finish().await?;
    let seen = other.pages("/api/tasks").await?;
    ensure!(
        seen.is_empty(),
        "the list holds tasks of another user: {seen:?}"
    );
    let trail = other.pages(&format!("/api/audit?task_id={task}")).await?;
    ensure!(
        trail.is_empty(),
        "the trail of another user's task is readable: {trail:?}"
    );
    Ok(())
}
