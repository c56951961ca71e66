//! What belongs to somebody else is not there.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::client::{Calls, text};
use tests::stage::World;
use uuid::Uuid;

use super::Refusals;

pub async fn somebody_elses(world: &mut World) -> Result<()> {
    let (owner, other) = (
        world.api.newcomer("UTC").await?,
        world.api.newcomer("UTC").await?,
    );
    let task = text(&owner.create(json!({"title": "Mine"})).await?, "id")?;
    let mut refusals = Refusals::start(world).await?;
    for id in [
        task.as_str(),
        &Uuid::new_v4().to_string(),
        "no-uuid",
        "%00",
        "..%2f..%2fusers",
    ] {
        let path = format!("/api/tasks/{id}");
        let body = json!({"title": "Theirs"});
        refusals
            .refuse(&format!("GET {id}"), &[404], other.get(&path))
            .await;
        refusals
            .refuse(
                &format!("PATCH {id}"),
                &[404],
                other.patch(&path).json(&body),
            )
            .await;
        refusals
            .refuse(&format!("PUT {id}"), &[404], other.put(&path).json(&body))
            .await;
        refusals
            .refuse(&format!("DELETE {id}"), &[404], other.delete(&path))
            .await;
        for verb in ["complete", "reopen", "restore"] {
            refusals
                .refuse(
                    &format!("{verb} {id}"),
                    &[404],
                    other.post(&format!("{path}/{verb}")),
                )
                .await;
        }
        refusals
            .refuse(
                &format!("history of {id}"),
                &[404],
                other.get(&format!("{path}/history")),
            )
            .await;
        let call = other.patch(&path).if_match(1).json(&body);
        refusals
            .refuse(&format!("PATCH with If-Match {id}"), &[404], call)
            .await;
    }
    let body = json!({"title": "x", "id": task});
    refusals
        .refuse("their id", &[409], other.post("/api/tasks").json(&body))
        .await;
    for path in ["/api/audit", "/api/audit/export"] {
        let path = format!("{path}?user_id={}", owner.id);
        refusals.refuse(&path, &[403], other.get(&path)).await;
    }
    refusals.end().await?;
    let seen = other.pages("/api/tasks").await?;
    ensure!(seen.is_empty(), "somebody else sees {seen:?}");
    let trail = other.pages(&format!("/api/audit?task_id={task}")).await?;
    ensure!(
        trail.is_empty(),
        "somebody else reads the trail of a task: {trail:?}"
    );
    Ok(())
}
