//! The whole road on a log: what is written over HTTP is on the audit trail a moment later.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{Calls, Person, number, text};
use tests::ledger::{Ledger, Told};
use tests::load::Load;
use tests::stage::World;
use tests::{shape, wait};

pub async fn one_task(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = person.create(json!({"title": "Water the plants"})).await?;
    let path = format!("/api/tasks/{}/history", text(&task, "id")?);
    let entry = wait::until(
        "the task is on the audit trail",
        tests::stage::SOON,
        async || Ok(person.pages(&path).await?.into_iter().next()),
    )
    .await?;
    ensure!(entry["type"] == "task.created", "{entry}");
    ensure!(
        entry.to_string().contains("Water the plants"),
        "an entry holds the event as it was: {entry}"
    );
    Ok(())
}

/// Acknowledged writes of one person, noted one by one.
struct Diary<'a> {
    person: &'a Person,
    ledger: &'a mut Ledger,
}

impl Diary<'_> {
    fn note(&mut self, task: &Value, kind: &'static str) -> Result<()> {
        let (id, version) = (text(task, "id")?.parse()?, number(task, "version")?);
        self.ledger.record(Told {
            user: self.person.id,
            task: id,
            version,
            kind,
        })
    }

    async fn every_kind(&mut self) -> Result<()> {
        let person = self.person;
        let due = json!({"datetime": "2026-03-01T09:00:00", "timezone": "Europe/Berlin"});
        let fields = json!({"title": "All kinds", "description": "…", "tags": ["a"], "priority": "high", "due": due});
        let task = person.create(fields).await?;
        self.note(&task, "task.created")?;
        let path = format!("/api/tasks/{}", text(&task, "id")?);
        let body = json!({"title": "All kinds of writes", "due": null});
        let patched = person
            .patch(&path)
            .json(&body)
            .send()
            .await?
            .expect(200)?
            .json()?;
        self.note(&patched, "task.updated")?;
        let body = json!({"title": "Put", "tags": ["b"]});
        let put = person
            .put(&path)
            .json(&body)
            .send()
            .await?
            .expect(200)?
            .json()?;
        self.note(&put, "task.updated")?;
        for (verb, kind) in [("complete", "task.completed"), ("reopen", "task.reopened")] {
            let task = person
                .post(&format!("{path}/{verb}"))
                .send()
                .await?
                .expect(200)?
                .json()?;
            self.note(&task, kind)?;
        }
        let done = person
            .patch(&path)
            .json(&json!({"status": "completed"}))
            .send()
            .await?
            .expect(200)?
            .json()?;
        self.note(&done, "task.completed")?;
        person.delete(&path).send().await?.expect(204)?;
        self.note(
            &json!({"id": task["id"], "version": number(&done, "version")? + 1}),
            "task.deleted",
        )?;
        let back = person
            .post(&format!("{path}/restore"))
            .send()
            .await?
            .expect(200)?
            .json()?;
        self.note(&back, "task.restored")
    }
}

pub async fn every_kind_of_write(world: &mut World) -> Result<()> {
    let people = vec![
        world.api.newcomer("UTC").await?,
        world.api.newcomer("Asia/Tokyo").await?,
    ];
    let mut ledger = Ledger::default();
    for person in &people {
        Diary {
            person,
            ledger: &mut ledger,
        }
        .every_kind()
        .await?;
    }
    Checker::new(&world.database, &people)
        .settle(&ledger)
        .await?;
    events_are_golden(world, &people).await
}

/// What came down the road has the members, and the types of members, that the golden files promise.
async fn events_are_golden(world: &World, people: &[Person]) -> Result<()> {
    let mut compared = 0;
    for person in people {
        let rows = world
            .database
            .query(include_str!("events.sql"), &[&person.id])
            .await?;
        for row in rows {
            let event: Value = serde_json::from_str(row.get(0))?;
            let kind = text(&event, "type")?;
            let golden = shape::golden(&kind)?;
            shape::fits(&golden, &event)
                .with_context(|| format!("{kind}: {event} is not as golden {golden}"))?;
            ensure!(
                event["userid"] == person.id.to_string(),
                "an event of somebody else: {event}"
            );
            compared += 1;
        }
    }
    ensure!(
        compared >= 7 * people.len(),
        "only {compared} events were compared"
    );
    Ok(())
}

/// Many people at once with nothing broken, and what a request brought along is on its entry.
pub async fn people_at_once(world: &mut World) -> Result<()> {
    let (people, ledger) = Load::start(&world.api, 6).await?.finish(800).await?;
    Checker::new(&world.database, &people)
        .settle(&ledger)
        .await?;
    let person = people.first().context("there are people")?;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let call = person
        .post("/api/tasks")
        .header("x-correlation-id", "thread-7")
        .header("traceparent", trace);
    call.json(&json!({"title": "Followed"}))
        .send()
        .await?
        .expect(201)?;
    let found = wait::until(
        "an entry with the correlation id",
        tests::stage::SOON,
        async || {
            Ok(person
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
        "the trace is lost: {found}"
    );
    Ok(())
}
