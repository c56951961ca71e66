//! Many clients at once on one task or one key.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use futures::future::join_all;
use serde_json::json;
use tests::checker::Checker;
use tests::client::{Calls, number, text};
use tests::ledger::{Ledger, Told};
use tests::stage::World;
use uuid::Uuid;

const CLIENTS: usize = 32;

/// All read version 1 and all write: one is acknowledged in each round, and everybody gets through in the end.
pub async fn writers_with_if_match(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = person
        .create(json!({"title": "Counted", "description": "0"}))
        .await?;
    let id: Uuid = text(&task, "id")?.parse()?;
    let path = format!("/api/tasks/{id}");
    let add = async || -> Result<i64> {
        loop {
            let now = person.get(&path).send().await?.expect(200)?.json()?;
            let count: u32 = text(&now, "description")?.parse()?;
            let body = json!({"description": (count + 1).to_string()});
            let answer = person
                .patch(&path)
                .if_match(number(&now, "version")?)
                .json(&body)
                .send()
                .await?;
            match answer.status.as_u16() {
                200 => return number(&answer.json()?, "version"),
                412 => {}
                _ => drop(answer.expect(200)?),
            }
        }
    };
    let versions = join_all((0..CLIENTS).map(|_| add()))
        .await
        .into_iter()
        .collect::<Result<BTreeSet<_>>>()?;
    ensure!(
        versions.len() == CLIENTS,
        "two writers were told the same version"
    );
    let last = person.get(&path).send().await?.expect(200)?.json()?;
    ensure!(
        last["description"].as_str() == Some(CLIENTS.to_string().as_str()),
        "an update was lost: {last}"
    );
    let mut ledger = Ledger::default();
    ledger.record(Told {
        user: person.id,
        task: id,
        version: 1,
        kind: "task.created",
    })?;
    for version in versions {
        ledger.record(Told {
            user: person.id,
            task: id,
            version,
            kind: "task.updated",
        })?;
    }
    Checker::new(&world.database, &[person])
        .settle(&ledger)
        .await
}

pub async fn one_key_from_many(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let key = Uuid::new_v4().to_string();
    let body = json!({"title": "Only one"});
    let answers =
        join_all((0..CLIENTS).map(|_| person.post("/api/tasks").key(&key).json(&body).send()))
            .await;
    let mut ids = BTreeSet::new();
    for answer in answers {
        let answer = answer?;
        match answer.status.as_u16() {
            409 => drop(answer.problem(409)?),
            _ => drop(ids.insert(text(&answer.expect(201)?.json()?, "id")?)),
        }
    }
    ensure!(ids.len() == 1, "clients were told of {} tasks", ids.len());
    let tasks = person.pages("/api/tasks").await?;
    ensure!(tasks.len() == 1, "one key made {} tasks", tasks.len());
    Ok(())
}

/// A client that chooses the id itself may send it twice at once, too.
pub async fn one_id_from_many(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let body = json!({"id": Uuid::now_v7(), "title": "Only one"});
    let answers =
        join_all((0..CLIENTS).map(|_| person.post("/api/tasks").json(&body).send())).await;
    let mut made = 0;
    for answer in answers {
        let answer = answer?;
        match answer.status.as_u16() {
            201 => made += 1,
            _ => drop(answer.problem(409)?),
        }
    }
    ensure!(made == 1, "one id was created {made} times");
    Ok(())
}
