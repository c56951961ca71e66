//! The operations of a batch: what each does, and the result of one that is rejected.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::text;
use tests::fixture::Fixture;
use uuid::Uuid;

use super::{PATH, create, read, request, results, statuses};

/// All operations one after another, on a task in each status.
pub async fn every_operation(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let statuses_of_tasks = ["open", "in_progress", "completed", "cancelled"];
    let new = statuses_of_tasks.map(|status| {
        json!({"op": "create", "task": {"title": "New", "status": status, "tags": ["a"], "description": "…"}})
    });
    let made = results(request(&user, &new)).await?;
    for (status, made) in statuses_of_tasks.iter().zip(&made) {
        let task = &made["task"];
        ensure!(
            made["status"] == 201 && task["status"] == *status,
            "{status}: {made}"
        );
        ensure!(
            read(&user, task).await? == *task,
            "GET differs from the result"
        );
        let id = &task["id"];
        let done = results(request(
            &user,
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
            "completing a second time changed the task: {} and {}",
            done[2],
            done[3]
        );
        ensure!(is(4, "status") == "open", "{}", done[4]);
        ensure!(done[5] == json!({"status": 204}), "{}", done[5]);
        ensure!(
            is(6, "version") == 7 && read(&user, task).await? == done[6]["task"],
            "{}",
            done[6]
        );
    }
    let users = [user];
    Checker::new(&fixture.database, &users)
        .check_sequence_numbers()
        .await?;
    let history = format!("/api/tasks/{}/history", text(&made[0]["task"], "id")?);
    let kinds: Vec<Value> = users[0].pages(&history).await?;
    let kinds: Vec<_> = kinds
        .iter()
        .rev()
        .map(|entry| entry["type"].clone())
        .collect();
    let expected = [
        "created",
        "updated",
        "updated",
        "completed",
        "reopened",
        "deleted",
        "restored",
    ];
    ensure!(
        kinds == expected.map(|kind| format!("task.{kind}")),
        "{kinds:?}"
    );
    Ok(())
}

/// An operation that is invalid or rejected has a result at its index and does not affect the other operations.
pub async fn results_in_order(fixture: &mut Fixture) -> Result<()> {
    let (user, other) = (
        fixture.api.new_user("UTC").await?,
        fixture.api.new_user("UTC").await?,
    );
    let theirs = other.create(json!({"title": "Theirs"})).await?;
    let mine = user.create(json!({"title": "Mine"})).await?;
    let chosen = Uuid::now_v7();
    let twice = json!({"op": "create", "task": {"title": "Chosen", "id": chosen}});
    let done = results(request(
        &user,
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
    let expected = [
        201, 422, 404, 201, 409, 409, 412, 422, 422, 422, 404, 204, 404, 201,
    ];
    ensure!(statuses(&done) == expected, "{done:?}");
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
    let left = user.pages("/api/tasks?sort=created_at&order=asc").await?;
    let titles: Vec<_> = left.iter().map(|task| task["title"].clone()).collect();
    ensure!(titles == ["First", "Chosen", "Last"], "{titles:?}");
    ensure!(
        read(&other, &theirs).await? == theirs,
        "another user's task was changed"
    );
    let users = [user, other];
    Checker::new(&fixture.database, &users)
        .check_sequence_numbers()
        .await
}

/// A due date in a batch has the same meaning as in a single request.
pub async fn due_dates_in_a_batch(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("America/New_York").await?;
    let dues = [
        json!({"date": "2026-03-08"}),
        json!({"datetime": "2026-03-29T02:30:00", "timezone": "Europe/Berlin"}),
        json!({"datetime": "2026-03-01T08:00:00.5+02:00"}),
    ];
    let mut operations = Vec::new();
    let mut expected = Vec::new();
    for due in &dues {
        let alone = user.create(json!({"title": "Alone", "due": due})).await?;
        let moved = user.create(json!({"title": "Moved"})).await?;
        operations.push(json!({"op": "create", "task": {"title": "Together", "due": due}}));
        operations.push(json!({"op": "update", "id": moved["id"], "fields": {"due": due}}));
        expected.push(alone);
    }
    let done = results(request(&user, &operations)).await?;
    for (place, result) in done.iter().enumerate() {
        let (task, alone) = (&result["task"], &expected[place / 2]);
        ensure!(
            task["due"] == alone["due"] && task["due_at"] == alone["due_at"],
            "{result} instead of {alone}"
        );
    }
    let again = results(request(&user, &operations[1..2])).await?;
    ensure!(
        again[0] == done[1],
        "the same due date again changed the task: {} and {}",
        again[0],
        done[1]
    );
    Ok(())
}
