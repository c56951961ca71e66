//! `POST /api/sync`: what clients have done offline meets what others have done.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{Requests, Response, User, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;
use uuid::Uuid;

use super::super::tasks::path;

pub async fn send(user: &User, body: &Value) -> Result<Response> {
    user.post("/api/sync").json(body).send().await
}

/// Sends operations and returns their results.
pub async fn push(user: &User, operations: Value) -> Result<Vec<Value>> {
    let answer = send(user, &json!({"operations": operations})).await?;
    let answer = answer.expect(200)?.json()?;
    Ok(answer["results"].as_array().context("no results")?.clone())
}

/// Sends one operation on a task and returns its result. `version` is the one that the client knew.
pub async fn one(
    user: &User,
    op: &str,
    task: &Value,
    version: i64,
    fields: Value,
) -> Result<Value> {
    let mut operation =
        json!({"op_id": Uuid::new_v4(), "op": op, "task_id": task["id"], "base_version": version});
    if !fields.is_null() {
        operation["fields"] = fields;
    }
    let mut results = push(user, json!([operation])).await?;
    results.pop().context("no result")
}

pub async fn change(user: &User, task: &Value, fields: Value) -> Result<Value> {
    let patch = user.patch(&path(task)?).json(&fields);
    patch.send().await?.expect(200)?.json()
}

pub async fn read(user: &User, task: &Value) -> Result<Value> {
    user.get(&path(task)?).send().await?.expect(200)?.json()
}

pub fn is(result: &Value, expected: &str) -> Result<()> {
    ensure!(result["result"] == expected, "not {expected}: {result}");
    Ok(())
}

async fn conflicts(user: &User) -> Result<Vec<Value>> {
    user.pages("/api/conflicts").await
}

/// Fields that nobody else has changed are set; of the others, both changes hold where they can.
pub async fn changes_are_merged(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let fields = json!({"title": "One", "tags": ["a", "b"], "description": "first\nsecond\nthird"});
    let task = user.create(fields).await?;
    is(
        &one(&user, "update", &task, 1, json!({"priority": "high"})).await?,
        "applied",
    )?;
    change(
        &user,
        &task,
        json!({"title": "Two", "tags": ["B", "c"], "description": "FIRST\nsecond\nthird"}),
    )
    .await?;
    let result = one(
        &user,
        "update",
        &task,
        2,
        json!({"priority": "urgent", "tags": ["a", "d"], "description": "first\nsecond\nTHIRD"}),
    )
    .await?;
    is(&result, "merged")?;
    ensure!(result.get("conflict").is_none(), "{result}");
    let now = read(&user, &task).await?;
    ensure!(result["task"] == now, "{result} is not {now}");
    // `a` was removed by the one side and `b` by the other.
    ensure!(
        now["title"] == "Two"
            && now["priority"] == "urgent"
            && now["tags"] == json!(["c", "d"])
            && now["description"] == "FIRST\nsecond\nTHIRD"
            && now["version"] == 4,
        "{now}"
    );
    // The same value on both sides is no conflict.
    is(
        &one(&user, "update", &task, 1, json!({"title": "Two"})).await?,
        "merged",
    )?;
    ensure!(conflicts(&user).await?.is_empty(), "a conflict");
    let merges = wait::until("the merges are on the trail", DELIVERY_LIMIT, async || {
        let merges = user.pages("/api/audit?type=sync.merged").await?;
        Ok((merges.len() == 2).then_some(merges))
    })
    .await?;
    ensure!(
        merges
            .iter()
            .all(|entry| entry["event"]["data"]["task_id"] == task["id"]),
        "{merges:?}"
    );
    Ok(())
}

/// Of two changes of the same field, the later one holds. The other value is in the conflict log, and can return.
pub async fn conflicts_are_kept(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let due = json!({"datetime": "2090-03-01T09:00:00", "timezone": "Europe/Berlin"});
    let fields = json!({"title": "One", "description": "one line", "due": {"date": "2090-03-01"}});
    let task = user.create(fields).await?;
    let theirs = json!({"title": "Theirs", "description": "their line", "priority": "low", "status": "in_progress", "due": due,
        "reminders": [{"before": "PT1H"}]});
    let before = change(&user, &task, theirs).await?;
    let yours = json!({"title": "Yours", "description": "your line", "priority": "high", "status": "open", "due": null, "reminders": []});
    let result = one(&user, "update", &task, 1, yours.clone()).await?;
    is(&result, "conflict")?;
    let now = read(&user, &task).await?;
    for (name, value) in yours.as_object().context("no object")? {
        ensure!(now[name] == *value, "{name} is not {value}: {now}");
    }
    let kept = conflicts(&user).await?;
    ensure!(kept.len() == 6, "{kept:?}");
    ensure!(
        result["conflicts"].as_array().map(Vec::len) == Some(6),
        "{result}"
    );
    for conflict in &kept {
        let field = text(conflict, "field")?;
        ensure!(
            conflict["theirs"] == before[&field] && conflict["yours"] == yours[&field],
            "{conflict}"
        );
        ensure!(
            conflict["task_id"] == task["id"] && conflict["at"].is_string(),
            "{conflict}"
        );
        let restore = format!("/api/conflicts/{}/restore", text(conflict, "id")?);
        let restored = user.post(&restore).send().await?.expect(200)?.json()?;
        if field == "reminders" {
            ensure!(restored[&field][0]["before"] == "PT1H", "{restored}");
        } else {
            ensure!(restored[&field] == before[&field], "{field}: {restored}");
        }
    }
    // What an earlier operation of the same request has changed hides no change of others.
    let task = user.create(json!({"title": "One"})).await?;
    change(&user, &task, json!({"title": "Two"})).await?;
    let update = |fields: Value| json!({"op_id": Uuid::new_v4(), "op": "update", "task_id": task["id"], "base_version": 1, "fields": fields});
    let results = push(
        &user,
        json!([
            update(json!({"priority": "high"})),
            update(json!({"title": "Three"}))
        ]),
    )
    .await?;
    is(&results[0], "merged")?;
    is(&results[1], "conflict")?;
    let stranger = fixture.api.new_user("UTC").await?;
    ensure!(
        conflicts(&stranger).await?.is_empty(),
        "the conflicts of another user"
    );
    let restore = format!("/api/conflicts/{}/restore", text(&kept[0], "id")?);
    stranger.post(&restore).send().await?.problem(404)?;
    Ok(())
}

/// An edit brings a deleted task back, and an edited task is not deleted.
pub async fn deletions_meet_edits(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "Deleted first"})).await?;
    user.delete(&path(&task)?).send().await?.expect(204)?;
    let result = one(&user, "update", &task, 1, json!({"title": "Edited"})).await?;
    is(&result, "merged")?;
    ensure!(
        result["restored"] == true && read(&user, &task).await?["title"] == "Edited",
        "{result}"
    );

    // What is refused does not bring it back.
    let task = user.create(json!({"title": "Deleted first"})).await?;
    user.delete(&path(&task)?).send().await?.expect(204)?;
    let result = one(&user, "skip", &task, 1, Value::Null).await?;
    ensure!(result["problem"]["status"] == 409, "{result}");
    user.get(&path(&task)?).send().await?.problem(410)?;

    let task = user.create(json!({"title": "Edited first"})).await?;
    change(&user, &task, json!({"title": "Edited"})).await?;
    let result = one(&user, "delete", &task, 1, Value::Null).await?;
    is(&result, "conflict")?;
    ensure!(result["conflict"]["field"] == "deleted", "{result}");
    ensure!(
        read(&user, &task).await?["title"] == "Edited",
        "it is deleted"
    );
    let restore = format!(
        "/api/conflicts/{}/restore",
        text(&result["conflict"], "id")?
    );
    user.post(&restore).send().await?.expect(204)?;
    user.get(&path(&task)?).send().await?.problem(410)?;

    // A client knows what it has deleted itself.
    let task = user.create(json!({"title": "Deleted"})).await?;
    is(
        &one(&user, "delete", &task, 1, Value::Null).await?,
        "applied",
    )?;
    is(
        &one(&user, "delete", &task, 1, Value::Null).await?,
        "merged",
    )?;
    let result = one(&user, "update", &task, 2, json!({"title": "Edited"})).await?;
    ensure!(result["problem"]["status"] == 409, "{result}");
    is(
        &one(&user, "restore", &task, 2, Value::Null).await?,
        "applied",
    )?;
    ensure!(
        read(&user, &task).await?["title"] == "Deleted",
        "not restored"
    );
    Ok(())
}

/// Two devices complete the same occurrence: it has one successor. What was done offline has the time at which it was done.
pub async fn completions_offline(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user
        .create(json!({"title": "Daily", "due": {"date": "2090-03-01"}, "recurrence": {"rule": "FREQ=DAILY"}}))
        .await?;
    let at = text(
        &user.create(json!({"title": "A moment later"})).await?,
        "created_at",
    )?;
    let complete = |op_id: &str, at: &str| json!([{"op_id": op_id, "op": "complete", "task_id": task["id"], "base_version": 1, "occurred_at": at}]);
    let first = push(&user, complete("phone", &at)).await?;
    is(&first[0], "applied")?;
    ensure!(first[0]["task"]["completed_at"] == at, "{first:?}");
    let second = push(&user, complete("laptop", "2090-01-01T00:00:00Z")).await?;
    is(&second[0], "merged")?;
    ensure!(second[0]["task"]["completed_at"] == at, "{second:?}");
    let path = format!("/api/tasks?series_id={}", text(&task, "series_id")?);
    let occurrences = wait::until("the next occurrence", DELIVERY_LIMIT, async || {
        let tasks = user.pages(&path).await?;
        Ok((tasks.len() > 1).then_some(tasks))
    })
    .await?;
    ensure!(occurrences.len() == 2, "{occurrences:?}");
    // The clock of a client is not trusted with the future, nor with a time before the task.
    for (op_id, at) in [
        ("late", "2090-01-01T00:00:00Z"),
        ("early", "2020-01-01T00:00:00Z"),
    ] {
        let task = user.create(json!({"title": op_id})).await?;
        let operation = json!([{"op_id": op_id, "op": "complete", "task_id": task["id"], "base_version": 1, "occurred_at": at}]);
        let done = push(&user, operation).await?[0]["task"].clone();
        let limit = if op_id == "late" {
            &done["updated_at"]
        } else {
            &task["created_at"]
        };
        ensure!(done["completed_at"] == *limit, "{done}");
    }
    Ok(())
}
