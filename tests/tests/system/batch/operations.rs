//! What each operation does, and what it is answered where it is refused.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::text;
use tests::stage::World;
use uuid::Uuid;

use super::{PATH, call, create, read, results, statuses};

/// All operations, one after the other, on a task in each status.
pub async fn every_operation(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("Europe/Berlin").await?;
    let statuses_of_tasks = ["open", "in_progress", "completed", "cancelled"];
    let new = statuses_of_tasks.map(|status| {
        json!({"op": "create", "task": {"title": "New", "status": status, "tags": ["a"], "description": "…"}})
    });
    let made = results(call(&person, &new)).await?;
    for (status, made) in statuses_of_tasks.iter().zip(&made) {
        let task = &made["task"];
        ensure!(
            made["status"] == 201 && task["status"] == *status,
            "{status}: {made}"
        );
        ensure!(
            read(&person, task).await? == *task,
            "GET differs from the result"
        );
        let id = &task["id"];
        let done = results(call(
            &person,
            &[
                json!({"op": "update", "id": id, "if_match": 1, "fields": {"priority": "high", "due": {"date": "2026-03-01"}}}),
                json!({"op": "replace", "id": id, "task": {"title": "Replaced", "status": "in_progress"}}),
                json!({"op": "complete", "id": id}),
                json!({"op": "complete", "id": id}),
                json!({"op": "reopen", "id": id}),
                json!({"op": "delete", "id": id}),
                json!({"op": "restore", "id": id}),
            ],
        ))
        .await?;
        ensure!(
            statuses(&done) == [200, 200, 200, 200, 200, 204, 200],
            "{status}: {done:?}"
        );
        let is = |place: usize, member: &str| done[place]["task"][member].clone();
        ensure!(
            is(0, "priority") == "high" && is(0, "due_at") == "2026-03-01T22:59:59.999999Z",
            "{}",
            done[0]
        );
        ensure!(
            is(1, "title") == "Replaced" && is(1, "tags") == json!([]) && is(1, "due").is_null(),
            "{}",
            done[1]
        );
        ensure!(
            is(2, "completed_at").is_string() && done[2] == done[3],
            "completing twice is completing once: {} and {}",
            done[2],
            done[3]
        );
        ensure!(is(4, "status") == "open", "{}", done[4]);
        ensure!(done[5] == json!({"status": 204}), "{}", done[5]);
        ensure!(
            is(6, "version") == 7 && read(&person, task).await? == done[6]["task"],
            "{}",
            done[6]
        );
    }
    let people = [person];
    Checker::new(&world.database, &people).gapless().await?;
    let history = format!("/api/tasks/{}/history", text(&made[0]["task"], "id")?);
    let kinds: Vec<Value> = people[0].pages(&history).await?;
    let kinds: Vec<_> = kinds
        .iter()
        .rev()
        .map(|entry| entry["type"].clone())
        .collect();
    let wanted = [
        "created",
        "updated",
        "updated",
        "completed",
        "reopened",
        "deleted",
        "restored",
    ];
    ensure!(
        kinds == wanted.map(|kind| format!("task.{kind}")),
        "{kinds:?}"
    );
    Ok(())
}

/// What is invalid or refused has its own result, in its place, and keeps no other from being done.
pub async fn results_in_order(world: &mut World) -> Result<()> {
    let (person, other) = (
        world.api.newcomer("UTC").await?,
        world.api.newcomer("UTC").await?,
    );
    let theirs = other.create(json!({"title": "Theirs"})).await?;
    let mine = person.create(json!({"title": "Mine"})).await?;
    let chosen = Uuid::now_v7();
    let twice = json!({"op": "create", "task": {"title": "Chosen", "id": chosen}});
    let done = results(call(
        &person,
        &[
            create("First"),
            json!({"op": "create", "task": {"title": "", "colour": 1}}),
            json!({"op": "update", "id": theirs["id"], "fields": {"title": "Mine now"}}),
            twice.clone(),
            twice,
            json!({"op": "create", "task": {"title": "x", "id": theirs["id"]}}),
            json!({"op": "update", "id": mine["id"], "if_match": 9, "fields": {"title": "Late"}}),
            json!({"op": "update", "id": mine["id"], "fields": {"due": {"timezone": "Asia/Tokyo"}}}),
            json!({"op": "fly", "id": mine["id"]}),
            json!("delete"),
            json!({"op": "delete", "id": Uuid::now_v7()}),
            json!({"op": "delete", "id": mine["id"], "if_match": 1}),
            json!({"op": "delete", "id": mine["id"]}),
            create("Last"),
        ],
    ))
    .await?;
    let wanted = [
        201, 422, 404, 201, 409, 409, 412, 422, 422, 422, 404, 204, 404, 201,
    ];
    ensure!(statuses(&done) == wanted, "{done:?}");
    for result in &done {
        let problem = &result["problem"];
        let refused = result["status"].as_u64() >= Some(400);
        ensure!(refused == problem.is_object(), "{result}");
        if refused {
            ensure!(
                problem["status"] == result["status"]
                    && problem["instance"] == PATH
                    && problem["type"].is_string()
                    && problem["title"].is_string(),
                "{result}"
            );
        }
    }
    let detail = |place: usize| done[place]["problem"]["detail"].to_string();
    ensure!(
        detail(6).contains("the current version is 1"),
        "{}",
        done[6]
    );
    ensure!(detail(7).contains("give the whole due"), "{}", done[7]);
    let errors = &done[1]["problem"]["errors"];
    let mut pointers: Vec<_> = (0..2)
        .map(|place| errors[place]["pointer"].clone())
        .collect();
    pointers.sort_by_key(Value::to_string);
    ensure!(
        pointers == ["/operations/1/task/colour", "/operations/1/task/title"],
        "{errors}"
    );
    let left = person.pages("/api/tasks?sort=created_at&order=asc").await?;
    let titles: Vec<_> = left.iter().map(|task| task["title"].clone()).collect();
    ensure!(titles == ["First", "Chosen", "Last"], "{titles:?}");
    ensure!(read(&other, &theirs).await? == theirs, "theirs was changed");
    let people = [person, other];
    Checker::new(&world.database, &people).gapless().await
}

/// A due in a batch means what it means alone.
pub async fn dues_in_a_batch(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("America/New_York").await?;
    let dues = [
        json!({"date": "2026-03-08"}),
        json!({"datetime": "2026-03-29T02:30:00", "timezone": "Europe/Berlin"}),
        json!({"datetime": "2026-03-01T08:00:00.5+02:00"}),
    ];
    let mut operations = Vec::new();
    let mut wanted = Vec::new();
    for due in &dues {
        let alone = person.create(json!({"title": "Alone", "due": due})).await?;
        let moved = person.create(json!({"title": "Moved"})).await?;
        operations.push(json!({"op": "create", "task": {"title": "Together", "due": due}}));
        operations.push(json!({"op": "update", "id": moved["id"], "fields": {"due": due}}));
        wanted.push(alone);
    }
    let done = results(call(&person, &operations)).await?;
    for (place, result) in done.iter().enumerate() {
        let (task, alone) = (&result["task"], &wanted[place / 2]);
        ensure!(
            task["due"] == alone["due"] && task["due_at"] == alone["due_at"],
            "{result} instead of {alone}"
        );
    }
    let again = results(call(&person, &operations[1..2])).await?;
    ensure!(
        again[0] == done[1],
        "the same due again is no change: {} and {}",
        again[0],
        done[1]
    );
    Ok(())
}
