//! Batches beside batches and single writers of the same person.

use anyhow::{Result, ensure};
use futures::future::join_all;
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{Calls, number, text};
use tests::ledger::{Ledger, Told};
use tests::stage::World;
use uuid::Uuid;

use super::{call, create, results};

const ROUNDS: usize = 6;

/// Two clients send batches while two others write one by one: nothing is lost, told twice or numbered twice.
pub async fn batches_race(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let batches = async || -> Result<Vec<Value>> {
        let mut made = Vec::new();
        for round in 0..ROUNDS {
            let new: Vec<_> = (0..40).map(|n| create(&format!("{round} {n}"))).collect();
            let created = results(call(&person, &new)).await?;
            let complete =
                |made: &Value| json!({"op": "complete", "id": made["task"]["id"], "if_match": 1});
            let complete: Vec<_> = created.iter().map(complete).collect();
            made.extend(created);
            made.extend(results(call(&person, &complete)).await?);
        }
        Ok(made)
    };
    let singles = async || -> Result<Vec<Value>> {
        let mut made = Vec::new();
        for _ in 0..ROUNDS * 10 {
            let task = person.create(json!({"title": "Alone"})).await?;
            let path = format!("/api/tasks/{}/complete", text(&task, "id")?);
            let done = person.post(&path).send().await?.expect(200)?.json()?;
            made.extend([json!({"task": task}), json!({"task": done})]);
        }
        Ok(made)
    };
    let (one, two, three, four) = tokio::join!(batches(), batches(), singles(), singles());
    let mut ledger = Ledger::default();
    for result in [one?, two?, three?, four?].into_iter().flatten() {
        let task = &result["task"];
        let version = number(task, "version")?;
        ledger.record(Told {
            user: person.id,
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
        ledger.len() == ROUNDS * 40 * 4 + ROUNDS * 40,
        "{} changes were told",
        ledger.len()
    );
    let people = [person];
    let checker = Checker::new(&world.database, &people);
    checker.settle(&ledger).await?;
    checker.gapless().await
}

/// One id that many batches bring, of two people even: one makes it, for the others it is taken.
pub async fn one_id_in_two_batches(world: &mut World) -> Result<()> {
    let people = [
        world.api.newcomer("UTC").await?,
        world.api.newcomer("UTC").await?,
    ];
    let id = Uuid::now_v7();
    let operations = [
        create("Before"),
        json!({"op": "create", "task": {"title": "Only one", "id": id}}),
        create("After"),
    ];
    let calls = (0..16).map(|turn| results(call(&people[turn % 2], &operations)));
    let mut made = 0;
    for done in join_all(calls).await {
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
    Checker::new(&world.database, &people).gapless().await
}
