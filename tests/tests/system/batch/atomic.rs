//! Atomic batches, which change everything or nothing, and idempotency keys of batches.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{Requests, text};
use tests::fixture::Fixture;
use uuid::Uuid;

use super::{PATH, atomic, create, read, request, results, statuses};

pub async fn atomic_batches(fixture: &mut Fixture) -> Result<()> {
    let (user, other) = (
        fixture.api.new_user("UTC").await?,
        fixture.api.new_user("UTC").await?,
    );
    let theirs = other.create(json!({"title": "Theirs"})).await?;
    let task = user.create(json!({"title": "Stays"})).await?;
    let update = |version: i64| json!({"op": "update", "id": task["id"], "if_match": version, "fields": {"title": "Goes"}});
    let chosen = json!({"op": "create", "task": {"title": "x", "id": theirs["id"]}});
    let gone = json!({"op": "delete", "id": Uuid::now_v7()});
    let invalid = json!({"op": "create", "task": {"title": "", "due": {"date": "2026-02-30"}}});
    let cases: [(&[Value], u16, &[&str]); 6] = [
        (&[create("x"), gone.clone()], 409, &["/operations/1"]),
        (&[create("x"), update(2)], 409, &["/operations/1"]),
        (&[update(1), chosen.clone()], 409, &["/operations/1"]),
        (
            &[gone, update(1), chosen, update(1), create("x")],
            409,
            &["/operations/0", "/operations/2", "/operations/3"],
        ),
        (
            &[create("x"), invalid, json!({"op": "fly"})],
            422,
            &[
                "/operations/1/task/title",
                "/operations/1/task/due/date",
                "/operations/2/op",
            ],
        ),
        (&[json!([])], 422, &["/operations/0"]),
    ];
    for (operations, status, pointers) in cases {
        let problem = atomic(&user, operations).send().await?.problem(status)?;
        ensure!(
            text(&problem, "type")?.ends_with("/batch-aborted") && problem["instance"] == PATH,
            "{problem}"
        );
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let named: Vec<_> = errors
            .iter()
            .map(|error| error["pointer"].clone())
            .collect();
        ensure!(
            named.len() == pointers.len() && pointers.iter().all(|at| named.contains(&json!(at))),
            "{problem}"
        );
        ensure!(
            user.pages("/api/tasks").await? == [task.clone()],
            "an aborted batch changed something"
        );
    }
    let fine = [
        create("x"),
        update(1),
        json!({"op": "complete", "id": task["id"]}),
    ];
    let done = results(atomic(&user, &fine)).await?;
    ensure!(statuses(&done) == [201, 200, 200], "{done:?}");
    ensure!(
        read(&user, &task).await? == done[2]["task"],
        "the task differs from the last result"
    );
    ensure!(
        done[2]["task"]["seq"] == 4,
        "an aborted batch used a sequence number: {}",
        done[2]
    );
    let users = [user, other];
    Checker::new(&fixture.database, &users)
        .check_sequence_numbers()
        .await
}

pub async fn idempotency_key_of_a_batch(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let key = Uuid::new_v4().to_string();
    let operations = [
        create("Once"),
        json!({"op": "fly"}),
        json!({"op": "delete", "id": Uuid::now_v7()}),
    ];
    let first = request(&user, &operations)
        .key(&key)
        .send()
        .await?
        .expect(200)?;
    ensure!(
        first.header("idempotency-replayed").is_none(),
        "{:?}",
        first.headers
    );
    let again = request(&user, &operations)
        .key(&key)
        .send()
        .await?
        .expect(200)?;
    ensure!(
        again.header("idempotency-replayed") == Some("true") && again.body == first.body,
        "{:?}",
        again.headers
    );
    let other = request(&user, &operations[..1]).key(&key).send().await?;
    other.problem(422)?;
    let single = user.post("/api/tasks").key(&key);
    let single = single.json(&json!({"title": "Once"})).send().await?;
    single.problem(422)?;
    // The response of an aborted batch is stored under its key, too. The same operations need another key.
    let key = Uuid::new_v4().to_string();
    let id = Uuid::now_v7();
    let delete = [json!({"op": "delete", "id": id})];
    let early = atomic(&user, &delete).key(&key).send().await?;
    early.problem(409)?;
    user.create(json!({"title": "Short", "id": id})).await?;
    let again = atomic(&user, &delete).key(&key).send().await?;
    ensure!(
        again.header("idempotency-replayed") == Some("true"),
        "{:?}",
        again.headers
    );
    again.problem(409)?;
    let done = results(atomic(&user, &delete).key(&Uuid::new_v4().to_string())).await?;
    ensure!(statuses(&done) == [204], "{done:?}");
    ensure!(
        user.pages("/api/tasks").await?.len() == 1,
        "one key made two tasks"
    );
    Ok(())
}
