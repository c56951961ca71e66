//! Concurrent batches and single writes of the same user.

use anyhow::{Result, ensure};
use futures::future::join_all;
use serde_json::{Value, json};
use tests::acknowledged::{AcknowledgedWrite, AcknowledgedWrites};
use tests::checker::Checker;
use tests::client::{Requests, number, text};
use tests::fixture::Fixture;
use uuid::Uuid;

use super::{create, request, results};

const ROUNDS: usize = 6;

/// Two clients send batches while two others send single writes. Nothing is lost, no version is acknowledged twice, and no
/// sequence number is used twice.
pub async fn concurrent_batches(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let batches = async || -> Result<Vec<Value>> {
        let mut made = Vec::new();
        for round in 0..ROUNDS {
            let new: Vec<_> = (0..40).map(|n| create(&format!("{round} {n}"))).collect();
            let created = results(request(&user, &new)).await?;
            let complete =
                |made: &Value| json!({"op": "complete", "id": made["task"]["id"], "if_match": 1});
            let complete: Vec<_> = created.iter().map(complete).collect();
            made.extend(created);
            made.extend(results(request(&user, &complete)).await?);
        }
        Ok(made)
    };
    let singles = async || -> Result<Vec<Value>> {
        let mut made = Vec::new();
        for _ in 0..ROUNDS * 10 {
            let task = user.create(json!({"title": "Alone"})).await?;
            let path = format!("/api/tasks/{}/complete", text(&task, "id")?);
            let done = user.post(&path).send().await?.expect(200)?.json()?;
            made.extend([json!({"task": task}), json!({"task": done})]);
        }
        Ok(made)
    };
    let (one, two, three, four) = tokio::join!(batches(), batches(), singles(), singles());
    let mut acknowledged = AcknowledgedWrites::default();
    for result in [one?, two?, three?, four?].into_iter().flatten() {
        let task = &result["task"];
        let version = number(task, "version")?;
        acknowledged.record(AcknowledgedWrite {
            user: user.id,
            task: text(task, "id")?.parse()?,
            version,
            kind: if version == 1 {
                "task.created"
            } else {
                "task.completed"
            },
        })?;
    }
    ensure!(
        acknowledged.len() == ROUNDS * 40 * 4 + ROUNDS * 40,
        "{} changes were acknowledged",
        acknowledged.len()
    );
    let users = [user];
    let checker = Checker::new(&fixture.database, &users);
    checker.check_delivery(&acknowledged).await?;
    checker.check_sequence_numbers().await
}

/// Many batches of two users create a task with the same id: one succeeds, and for the others the id is taken.
pub async fn one_id_in_many_batches(fixture: &mut Fixture) -> Result<()> {
    let users = [
        fixture.api.new_user("UTC").await?,
        fixture.api.new_user("UTC").await?,
    ];
    let id = Uuid::now_v7();
    let operations = [
        create("Before"),
        json!({"op": "create", "task": {"title": "Only one", "id": id}}),
        create("After"),
    ];
    let requests = (0..16).map(|turn| results(request(&users[turn % 2], &operations)));
    let mut made = 0;
    for done in join_all(requests).await {
        let done = done?;
        ensure!(
            done[0]["status"] == 201 && done[2]["status"] == 201,
            "{done:?}"
        );
        match done[1]["status"].as_u64() {
            Some(201) => made += 1,
            _ => ensure!(done[1]["status"] == 409, "{}", done[1]),
        }
    }
    ensure!(made == 1, "one id was created {made} times");
    Checker::new(&fixture.database, &users)
        .check_sequence_numbers()
        .await
}
