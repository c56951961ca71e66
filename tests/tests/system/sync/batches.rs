//! Requests of `POST /api/sync` as a whole: the order of operations, wrong ones among them, repeated requests, and the cursor of the answer.

use anyhow::{Context, Result, ensure};
use futures::future::join_all;
use serde_json::{Value, json};
use tests::client::{Requests, number, text};
use tests::fixture::Fixture;
use uuid::Uuid;

use super::offline::{change, is, push, read, send};

/// Operations that depend on each other hold in their order, and a wrong one does not keep the others from being done.
pub async fn operations_in_order(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let others = fixture
        .api
        .new_user("UTC")
        .await?
        .create(json!({"title": "Another's"}))
        .await?;
    let (id, unknown) = (Uuid::now_v7(), Uuid::now_v7());
    let on = |op_id: &str, op: &str, task: &str, fields: Value| {
        let mut operation = json!({"op_id": op_id, "op": op, "task_id": task, "base_version": 1});
        if !fields.is_null() {
            operation["fields"] = fields;
        }
        operation
    };
    let (mine, unknown, others) = (id.to_string(), unknown.to_string(), text(&others, "id")?);
    let mut create = on(
        "create",
        "create",
        &mine,
        json!({"title": "One", "tags": ["a"]}),
    );
    create
        .as_object_mut()
        .context("no object")?
        .remove("base_version");
    let mut again = create.clone();
    again["op_id"] = json!("again");
    let mut future = on("future", "update", &mine, json!({"title": "No"}));
    future["base_version"] = json!(99);
    let operations = json!([
        create,
        on(
            "title",
            "update",
            &mine,
            json!({"title": "Two", "tags": ["a", "b"]})
        ),
        on("unknown", "complete", &unknown, Value::Null),
        on("another's", "update", &others, json!({"title": "Mine"})),
        again,
        future,
        on("title", "update", &mine, json!({"title": "Reused"})),
        on("wrong", "finish", &mine, Value::Null),
        on("blank", "update", &mine, json!({"title": " "})),
        on("skip", "skip", &mine, Value::Null),
        on("tags", "update", &mine, json!({"tags": ["a"]})),
        on("done", "complete", &mine, Value::Null),
    ]);
    let results = push(&user, operations.clone()).await?;
    let found: Vec<_> = results
        .iter()
        .map(|result| {
            let status = result["problem"]["status"].as_i64();
            (
                result["op_id"].as_str().unwrap_or_default(),
                result["result"].as_str().unwrap_or_default(),
                status,
            )
        })
        .collect();
    let applied = |id| (id, "applied", None);
    let rejected = |id, status| (id, "rejected", Some(status));
    let expected = [
        applied("create"),
        applied("title"),
        rejected("unknown", 404),
        rejected("another's", 404),
        rejected("again", 409),
        rejected("future", 422),
        rejected("title", 422),
        rejected("wrong", 422),
        rejected("blank", 422),
        rejected("skip", 409),
        applied("tags"),
        applied("done"),
    ];
    ensure!(found == expected, "{found:?}");
    let task = &results[11]["task"];
    ensure!(
        task["status"] == "completed"
            && task["title"] == "Two"
            && task["tags"] == json!(["a"])
            && task["version"] == 4,
        "{task}"
    );
    ensure!(
        push(&user, operations).await? == results,
        "another answer to the same request"
    );
    ensure!(read(&user, task).await? == *task, "the task has changed");
    Ok(())
}

/// The same request many times at once is done once.
pub async fn repeated_requests(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "One"})).await?;
    let id = Uuid::now_v7();
    let operations = json!([
        {"op_id": "1", "op": "update", "task_id": task["id"], "base_version": 1, "fields": {"title": "Two"}},
        {"op_id": "2", "op": "create", "task_id": id, "fields": {"title": "New"}},
        {"op_id": "3", "op": "complete", "task_id": id, "base_version": 1},
    ]);
    let all = join_all((0..8).map(|_| push(&user, operations.clone()))).await;
    let all = all.into_iter().collect::<Result<Vec<_>>>()?;
    ensure!(all.iter().all(|results| *results == all[0]), "{all:?}");
    ensure!(
        all[0].iter().all(|result| result["result"] == "applied"),
        "{all:?}"
    );
    let tasks = user.pages("/api/tasks").await?;
    let versions: i64 = tasks
        .iter()
        .map(|task| number(task, "version"))
        .sum::<Result<_>>()?;
    ensure!(tasks.len() == 2 && versions == 4, "{tasks:?}");
    // An atomic request is done as a whole or not at all, and a refused one leaves nothing behind.
    let mut atomic = json!({"atomic": true, "operations": [
        {"op_id": "4", "op": "update", "task_id": task["id"], "base_version": 2, "fields": {"title": "Three"}},
        {"op_id": "5", "op": "complete", "task_id": Uuid::now_v7(), "base_version": 1},
    ]});
    let problem = send(&user, &atomic).await?.problem(409)?;
    ensure!(
        problem["errors"][0]["pointer"] == "/operations/1",
        "{problem}"
    );
    ensure!(
        read(&user, &task).await?["title"] == "Two",
        "half of it was done"
    );
    atomic["operations"]
        .as_array_mut()
        .context("no list")?
        .pop();
    let results = send(&user, &atomic).await?.expect(200)?.json()?;
    is(&results["results"][0], "applied")
}

/// Requests that are wrong as a whole, and the cursor of the answer.
pub async fn requests_to_push(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let operation =
        json!({"op_id": "1", "op": "complete", "task_id": Uuid::now_v7(), "base_version": 1});
    let many = vec![operation.clone(); 101];
    for (body, pointer) in [
        (json!({}), "/operations"),
        (json!({"operations": []}), "/operations"),
        (json!({"operations": many}), "/operations"),
        (json!({"operations": [operation], "since": 1}), "/since"),
        (json!({"operations": [operation], "cursor": "x"}), "/cursor"),
    ] {
        let problem = send(&user, &body).await?.problem(422)?;
        ensure!(
            problem["errors"][0]["pointer"] == pointer,
            "{pointer}: {problem}"
        );
    }
    let first = user.get("/api/sync").send().await?.expect(200)?.json()?;
    let task = user.create(json!({"title": "Missed"})).await?;
    let update = |op_id: &str| json!([{"op_id": op_id, "op": "update", "task_id": task["id"], "fields": {"title": op_id}}]);
    // A client that misses changes from before the request keeps its cursor.
    let body = json!({"operations": update("one"), "cursor": first["cursor"]});
    let answer = send(&user, &body).await?.expect(200)?.json()?;
    ensure!(answer["cursor"] == first["cursor"], "{answer}");
    let page = super::page(&user, &first["cursor"], 1000).await?;
    let body = json!({"operations": update("two"), "cursor": page["cursor"]});
    let answer = send(&user, &body).await?.expect(200)?.json()?;
    let next = super::page(&user, &answer["cursor"], 1000).await?;
    ensure!(next["changes"] == json!([]), "{next}");
    change(&user, &task, json!({"title": "three"})).await?;
    let next = super::page(&user, &answer["cursor"], 1000).await?;
    ensure!(next["changes"][0]["title"] == "three", "{next}");
    Ok(())
}
