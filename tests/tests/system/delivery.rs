//! End-to-end delivery while nothing is broken: every write over HTTP reaches the audit trail.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::acknowledged::{AcknowledgedWrite, AcknowledgedWrites};
use tests::checker::Checker;
use tests::client::{Requests, User, number, text};
use tests::fixture::Fixture;
use tests::load::Load;
use tests::{golden, wait};

pub async fn one_task(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "Water the plants"})).await?;
    let path = format!("/api/tasks/{}/history", text(&task, "id")?);
    let entry = wait::until(
        "the task is on the audit trail",
        tests::fixture::DELIVERY_LIMIT,
        async || Ok(user.pages(&path).await?.into_iter().next()),
    )
    .await?;
    ensure!(entry["type"] == "task.created", "{entry}");
    ensure!(
        entry.to_string().contains("Water the plants"),
        "the entry does not contain the event: {entry}"
    );
    Ok(())
}

/// Sends writes as one user and records each acknowledged one.
struct Writer<'a> {
    user: &'a User,
    acknowledged: &'a mut AcknowledgedWrites,
}

impl Writer<'_> {
    fn record(&mut self, task: &Value, kind: &'static str) -> Result<()> {
        let (id, version) = (text(task, "id")?.parse()?, number(task, "version")?);
        self.acknowledged.record(AcknowledgedWrite {
            user: self.user.id,
            task: id,
            version,
            kind,
        })
    }

    async fn every_kind(&mut self) -> Result<()> {
        let user = self.user;
        let due = json!({"datetime": "2026-03-01T09:00:00", "timezone": "Europe/Berlin"});
        let fields = json!({"title": "All kinds", "description": "…", "tags": ["a"], "priority": "high", "due": due});
        let task = user.create(fields).await?;
        self.record(&task, "task.created")?;
        let path = format!("/api/tasks/{}", text(&task, "id")?);
        let body = json!({"title": "All kinds of writes", "due": null});
        let patched = user
            .patch(&path)
            .json(&body)
            .send()
            .await?
            .expect(200)?
            .json()?;
        self.record(&patched, "task.updated")?;
        let body = json!({"title": "Put", "tags": ["b"]});
        let put = user
            .put(&path)
            .json(&body)
            .send()
            .await?
            .expect(200)?
            .json()?;
        self.record(&put, "task.updated")?;
        for (verb, kind) in [("complete", "task.completed"), ("reopen", "task.reopened")] {
            let task = user
                .post(&format!("{path}/{verb}"))
                .send()
                .await?
                .expect(200)?
                .json()?;
            self.record(&task, kind)?;
        }
        let done = user
            .patch(&path)
            .json(&json!({"status": "completed"}))
            .send()
            .await?
            .expect(200)?
            .json()?;
        self.record(&done, "task.completed")?;
        user.delete(&path).send().await?.expect(204)?;
        self.record(
            &json!({"id": task["id"], "version": number(&done, "version")? + 1}),
            "task.deleted",
        )?;
        let back = user
            .post(&format!("{path}/restore"))
            .send()
            .await?
            .expect(200)?
            .json()?;
        self.record(&back, "task.restored")
    }
}

pub async fn every_kind_of_write(fixture: &mut Fixture) -> Result<()> {
    let users = vec![
        fixture.api.new_user("UTC").await?,
        fixture.api.new_user("Asia/Tokyo").await?,
    ];
    let mut acknowledged = AcknowledgedWrites::default();
    for user in &users {
        Writer {
            user,
            acknowledged: &mut acknowledged,
        }
        .every_kind()
        .await?;
    }
    Checker::new(&fixture.database, &users)
        .check_delivery(&acknowledged)
        .await?;
    events_match_golden_files(fixture, &users).await
}

/// Checks that the delivered events have the members and the types of the golden files.
async fn events_match_golden_files(fixture: &Fixture, users: &[User]) -> Result<()> {
    let mut compared = 0;
    for user in users {
        let rows = fixture
            .database
            .query(include_str!("../../sql/user_events.sql"), &[&user.id])
            .await?;
        for row in rows {
            let event: Value = serde_json::from_str(row.get(0))?;
            let kind = text(&event, "type")?;
            let golden = golden::newest(&kind)?;
            golden::check_shape(&golden, &event)
                .with_context(|| format!("{kind}: {event} differs from the golden {golden}"))?;
            ensure!(
                event["userid"] == user.id.to_string(),
                "the event has another user id: {event}"
            );
            compared += 1;
        }
    }
    ensure!(
        compared >= 7 * users.len(),
        "only {compared} events were compared"
    );
    Ok(())
}

/// Many concurrent users. The correlation id and the trace of a request are on its entry.
pub async fn concurrent_users(fixture: &mut Fixture) -> Result<()> {
    let (users, acknowledged) = Load::start(&fixture.api, 6).await?.finish(800).await?;
    Checker::new(&fixture.database, &users)
        .check_delivery(&acknowledged)
        .await?;
    let user = users.first().context("there are users")?;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = user
        .post("/api/tasks")
        .header("x-correlation-id", "thread-7")
        .header("traceparent", trace);
    request
        .json(&json!({"title": "Followed"}))
        .send()
        .await?
        .expect(201)?;
    let found = wait::until(
        "an entry with the correlation id",
        tests::fixture::DELIVERY_LIMIT,
        async || {
            Ok(user
                .pages("/api/audit?correlation_id=thread-7")
                .await?
                .into_iter()
                .next())
        },
    )
    .await?;
    let trace_id = trace.split('-').nth(1).unwrap_or_default();
    ensure!(
        found.to_string().contains(trace_id),
        "the trace id is not in the entry: {found}"
    );
    Ok(())
}
