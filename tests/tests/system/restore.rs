//! Tombstones taken back: what a task is again, on which conditions, and while others delete it.

use anyhow::{Result, ensure};
use futures::future::join_all;
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{Calls, Person, number, text};
use tests::stage::World;
use uuid::Uuid;

async fn deleted(person: &Person, fields: Value) -> Result<(String, Value)> {
    let task = person.create(fields).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    person.delete(&path).send().await?.expect(204)?;
    Ok((path, task))
}

/// The members of a task that a deletion and its restoring may leave different.
fn without_marks(mut task: Value) -> Value {
    for member in ["version", "seq", "updated_at"] {
        task[member] = Value::Null;
    }
    task
}

pub async fn restore_brings_back(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("Europe/Berlin").await?;
    let due = json!({"datetime": "2026-03-01T09:00:00", "timezone": "Asia/Tokyo"});
    for status in ["open", "in_progress", "completed", "cancelled"] {
        let fields = json!({"title": format!("Was {status}"), "description": "…", "status": status, "priority": "urgent",
            "tags": ["b", "a"], "due": due});
        let (path, task) = deleted(&person, fields).await?;
        person.get(&path).send().await?.problem(404)?;
        let restore = format!("{path}/restore");
        let answer = person.post(&restore).send().await?.expect(200)?;
        ensure!(
            answer.header("etag") == Some("\"3\""),
            "{:?}",
            answer.headers
        );
        let back = answer.json()?;
        ensure!(
            back["version"] == 3 && number(&back, "seq")? == number(&task, "seq")? + 2,
            "{back}"
        );
        ensure!(
            without_marks(back.clone()) == without_marks(task.clone()),
            "restored as {back}, it was {task}"
        );
        ensure!(
            person.get(&path).send().await?.expect(200)?.json()? == back,
            "GET differs from what restore answered"
        );
        let listed = person.pages(&format!("/api/tasks?q=Was+{status}")).await?;
        ensure!(listed == [back.clone()], "{listed:?}");
        let again = person.post(&restore).send().await?.expect(200)?.json()?;
        ensure!(again == back, "restoring twice is restoring once: {again}");
    }
    let people = [person];
    let checker = Checker::new(&world.database, &people);
    checker.gapless().await?;
    let [person] = &people;
    let restored = person.pages("/api/audit?type=task.restored").await?;
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

pub async fn restore_has_conditions(world: &mut World) -> Result<()> {
    let (person, other) = (
        world.api.newcomer("UTC").await?,
        world.api.newcomer("UTC").await?,
    );
    let (path, _) = deleted(&person, json!({"title": "Once"})).await?;
    let restore = format!("{path}/restore");
    other.post(&restore).send().await?.problem(404)?;
    let never = format!("/api/tasks/{}/restore", Uuid::now_v7());
    person.post(&never).send().await?.problem(404)?;
    let stale = person.post(&restore).if_match(1).send().await?;
    ensure!(
        stale.header("etag") == Some("\"2\""),
        "412 names {:?}",
        stale.header("etag")
    );
    stale.problem(412)?;
    let key = Uuid::new_v4().to_string();
    let first = person.post(&restore).if_match(2).key(&key).send().await?;
    let first = first.expect(200)?;
    let again = person.post(&restore).key(&key).send().await?.expect(200)?;
    ensure!(
        again.header("idempotency-replayed") == Some("true") && again.body == first.body,
        "{:?}",
        again.headers
    );
    let another = format!("{path}/complete");
    person.post(&another).key(&key).send().await?.problem(422)?;
    let body = json!({"title": "x"});
    let full = person.post(&restore).json(&body).send().await?;
    full.problem(422)?;
    let live = person.post(&restore).if_match(2).send().await?;
    live.problem(412)?;
    Ok(())
}

/// Each deletes or restores once; whoever comes too late is told so, and every change that was made is told.
pub async fn restores_and_deletes_race(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = person.create(json!({"title": "To and fro"})).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let restore = format!("{path}/restore");
    let calls = (0..24).map(|turn| match turn % 2 {
        0 => person.delete(&path).send(),
        _ => person.post(&restore).send(),
    });
    let mut deletions = 0;
    for answer in join_all(calls).await {
        let answer = answer?;
        match answer.status.as_u16() {
            204 => deletions += 1,
            404 => drop(answer.problem(404)?),
            _ => drop(answer.expect(200)?),
        }
    }
    ensure!(deletions > 0, "nobody deleted the task");
    let last = person.post(&restore).send().await?.expect(200)?.json()?;
    ensure!(
        number(&last, "version")? == 1 + 2 * deletions,
        "{deletions} deletions lead to {last}"
    );
    let people = [person];
    Checker::new(&world.database, &people).gapless().await
}
