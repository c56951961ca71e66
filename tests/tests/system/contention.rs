//! Many concurrent clients that write to one task, or with one idempotency key or id.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use futures::future::join_all;
use serde_json::json;
use tests::acknowledged::{AcknowledgedWrite, AcknowledgedWrites};
use tests::checker::Checker;
use tests::client::{Requests, number, text};
use tests::fixture::Fixture;
use uuid::Uuid;

const CLIENTS: usize = 32;

/// Clients that increment a counter with If-Match and retry on 412. One of them wins each round, and no increment is lost.
pub async fn writers_with_if_match(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user
        .create(json!({"title": "Counted", "description": "0"}))
        .await?;
    let id: Uuid = text(&task, "id")?.parse()?;
    let path = format!("/api/tasks/{id}");
    let add = async || -> Result<i64> {
        loop {
            let now = user.get(&path).send().await?.expect(200)?.json()?;
            let count: u32 = text(&now, "description")?.parse()?;
            let body = json!({"description": (count + 1).to_string()});
            let response = user
                .patch(&path)
                .if_match(number(&now, "version")?)
                .json(&body)
                .send()
                .await?;
            match response.status.as_u16() {
                200 => return number(&response.json()?, "version"),
                412 => {}
                _ => drop(response.expect(200)?),
            }
        }
    };
    let versions = join_all((0..CLIENTS).map(|_| add()))
        .await
        .into_iter()
        .collect::<Result<BTreeSet<_>>>()?;
    ensure!(
        versions.len() == CLIENTS,
        "two writers were acknowledged the same version"
    );
    let last = user.get(&path).send().await?.expect(200)?.json()?;
    ensure!(
        last["description"].as_str() == Some(CLIENTS.to_string().as_str()),
        "an update was lost: {last}"
    );
    let mut acknowledged = AcknowledgedWrites::default();
    acknowledged.record(AcknowledgedWrite {
        user: user.id,
        task: id,
        version: 1,
        kind: "task.created",
    })?;
    for version in versions {
        acknowledged.record(AcknowledgedWrite {
            user: user.id,
            task: id,
            version,
            kind: "task.updated",
        })?;
    }
    Checker::new(&fixture.database, &[user])
        .check_delivery(&acknowledged)
        .await
}

/// Each patch replaces a part of the due date and keeps the rest. Without If-Match none of them may be refused.
pub async fn partial_due_dates(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let due = json!({"datetime": "2026-07-01T09:00:00", "timezone": "UTC"});
    let task = user.create(json!({"title": "Moved", "due": due})).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let zones = [
        "Europe/Berlin",
        "Asia/Tokyo",
        "America/Lima",
        "Africa/Lagos",
    ];
    let patches = (0..CLIENTS).map(|place| {
        let patch = json!({"due": {"timezone": zones[place % zones.len()]}});
        user.patch(&path).json(&patch).send()
    });
    for response in join_all(patches).await {
        response?.expect(200)?;
    }
    let after = user.get(&path).send().await?.expect(200)?.json()?;
    ensure!(after["due"]["datetime"] == "2026-07-01T09:00:00", "{after}");
    Ok(())
}

pub async fn one_key_from_many_clients(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let key = Uuid::new_v4().to_string();
    let body = json!({"title": "Only one"});
    let responses =
        join_all((0..CLIENTS).map(|_| user.post("/api/tasks").key(&key).json(&body).send())).await;
    let mut ids = BTreeSet::new();
    for response in responses {
        let response = response?;
        match response.status.as_u16() {
            409 => drop(response.problem(409)?),
            _ => drop(ids.insert(text(&response.expect(201)?.json()?, "id")?)),
        }
    }
    ensure!(
        ids.len() == 1,
        "{} different tasks were acknowledged",
        ids.len()
    );
    let tasks = user.pages("/api/tasks").await?;
    ensure!(tasks.len() == 1, "one key created {} tasks", tasks.len());
    Ok(())
}

/// Concurrent creations with the same client-chosen id: one succeeds.
pub async fn one_id_from_many_clients(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let body = json!({"id": Uuid::now_v7(), "title": "Only one"});
    let responses =
        join_all((0..CLIENTS).map(|_| user.post("/api/tasks").json(&body).send())).await;
    let mut made = 0;
    for response in responses {
        let response = response?;
        match response.status.as_u16() {
            201 => made += 1,
            _ => drop(response.problem(409)?),
        }
    }
    ensure!(made == 1, "one id was created {made} times");
    Ok(())
}
