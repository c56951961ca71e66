//! Restoring deleted tasks: what the task is afterwards, conditional requests, and concurrent deletions.

use anyhow::{Result, ensure};
use futures::future::join_all;
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{Requests, User, number, text};
use tests::fixture::Fixture;
use uuid::Uuid;

/// Creates and deletes a task. Returns its path, and the task as it was created.
async fn deleted(user: &User, fields: Value) -> Result<(String, Value)> {
    let task = user.create(fields).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    user.delete(&path).send().await?.expect(204)?;
    Ok((path, task))
}

/// A task without the members that a deletion and a restoration change.
fn without_versions(mut task: Value) -> Value {
    for member in ["version", "seq", "updated_at"] {
        task[member] = Value::Null;
    }
    task
}

pub async fn restore_undoes_a_deletion(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let due = json!({"datetime": "2026-03-01T09:00:00", "timezone": "Asia/Tokyo"});
    for status in ["open", "in_progress", "completed", "cancelled"] {
        let fields = json!({"title": format!("Was {status}"), "description": "…", "status": status, "priority": "urgent",
            "tags": ["b", "a"], "due": due});
        let (path, task) = deleted(&user, fields).await?;
        user.get(&path).send().await?.problem(410)?;
        let restore = format!("{path}/restore");
        let response = user.post(&restore).send().await?.expect(200)?;
        ensure!(
            response.header("etag") == Some("\"3\""),
            "{:?}",
            response.headers
        );
        let back = response.json()?;
        ensure!(
            back["version"] == 3 && number(&back, "seq")? == number(&task, "seq")? + 2,
            "{back}"
        );
        ensure!(
            without_versions(back.clone()) == without_versions(task.clone()),
            "restored as {back}, it was {task}"
        );
        ensure!(
            user.get(&path).send().await?.expect(200)?.json()? == back,
            "GET differs from the response of restore"
        );
        let listed = user.pages(&format!("/api/tasks?q=Was+{status}")).await?;
        ensure!(listed == [back.clone()], "{listed:?}");
        let again = user.post(&restore).send().await?.expect(200)?.json()?;
        ensure!(
            again == back,
            "restoring a second time changed the task: {again}"
        );
    }
    let users = [user];
    let checker = Checker::new(&fixture.database, &users);
    checker.check_sequence_numbers().await?;
    let [user] = &users;
    let restored = user.pages("/api/audit?type=task.restored").await?;
    ensure!(restored.len() == 4, "{} restorations", restored.len());
    for entry in restored {
        let data = &entry["event"]["data"];
        ensure!(
            data["previous"]["deleted_at"].is_string() && data["task"]["deleted_at"].is_null(),
            "{entry}"
        );
    }
    Ok(())
}

pub async fn restore_is_conditional(fixture: &mut Fixture) -> Result<()> {
    let (user, other) = (
        fixture.api.new_user("UTC").await?,
        fixture.api.new_user("UTC").await?,
    );
    let (path, _) = deleted(&user, json!({"title": "Once"})).await?;
    let restore = format!("{path}/restore");
    other.post(&restore).send().await?.problem(404)?;
    let never = format!("/api/tasks/{}/restore", Uuid::now_v7());
    user.post(&never).send().await?.problem(404)?;
    let stale = user.post(&restore).if_match(1).send().await?;
    ensure!(
        stale.header("etag") == Some("\"2\""),
        "the ETag of 412 is {:?}",
        stale.header("etag")
    );
    stale.problem(412)?;
    let key = Uuid::new_v4().to_string();
    let first = user.post(&restore).if_match(2).key(&key).send().await?;
    let first = first.expect(200)?;
    let again = user.post(&restore).key(&key).send().await?.expect(200)?;
    ensure!(
        again.header("idempotency-replayed") == Some("true") && again.body == first.body,
        "{:?}",
        again.headers
    );
    let another = format!("{path}/complete");
    user.post(&another).key(&key).send().await?.problem(422)?;
    let body = json!({"title": "x"});
    let full = user.post(&restore).json(&body).send().await?;
    full.problem(422)?;
    let live = user.post(&restore).if_match(2).send().await?;
    live.problem(412)?;
    Ok(())
}

/// Clients delete and restore one task concurrently. Each request changes the task once or is rejected, and every change has an
/// event.
pub async fn concurrent_restores_and_deletions(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "To and fro"})).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let restore = format!("{path}/restore");
    let requests = (0..24).map(|turn| match turn % 2 {
        0 => user.delete(&path).send(),
        _ => user.post(&restore).send(),
    });
    let mut deletions = 0;
    for response in join_all(requests).await {
        let response = response?;
        match response.status.as_u16() {
            204 => deletions += 1,
            404 => drop(response.problem(404)?),
            _ => drop(response.expect(200)?),
        }
    }
    ensure!(deletions > 0, "no deletion succeeded");
    let last = user.post(&restore).send().await?.expect(200)?.json()?;
    ensure!(
        number(&last, "version")? == 1 + 2 * deletions,
        "after {deletions} deletions and restorations: {last}"
    );
    let users = [user];
    Checker::new(&fixture.database, &users)
        .check_sequence_numbers()
        .await
}
