//! Events that cannot be applied: each alone reaches the dead letters, and what can be repaired comes home.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::checker::Checker;
use tests::client::{number, text};
use tests::ledger::Told;
use tests::load::Load;
use tests::stage::World;
use tests::wait;
use uuid::Uuid;

const WRITES: u64 = 2_000;
/// Five deliveries with backoff between them, under load.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// An event that is none, in the middle of its user's events: the others do not notice.
pub async fn a_poison_event_stands_alone(world: &mut World) -> Result<()> {
    let mut load = Load::start(&world.api, 8).await?;
    load.reach(WRITES / 4).await?;
    let user = load.people().first().context("there are people")?.id;
    let poison = Uuid::now_v7();
    let event =
        json!({"specversion": "1.0", "id": poison, "type": "task.created", "data": "poison"})
            .to_string();
    world
        .database
        .execute(include_str!("poison.sql"), &[&user, &poison, &event])
        .await?;
    let (people, ledger) = load.finish(WRITES).await?;
    let letter = only_dead_letter(world).await?;
    ensure!(
        letter.event_id == poison.to_string(),
        "another event than the poison was given up: {letter:?}"
    );
    Checker::new(&world.database, &people)
        .settle(&ledger)
        .await?;
    world.dead_letters(&["discard", "--all"]).await?;
    Ok(())
}

/// The database refuses one acknowledged write's entry; once that is repaired, `replay` brings it onto the trail.
pub async fn replay_brings_it_home(world: &mut World) -> Result<()> {
    world.allow("refused_for_a_test");
    world
        .database
        .batch_execute(include_str!("refuse.sql"))
        .await?;
    let mut load = Load::start(&world.api, 8).await?;
    load.reach(WRITES / 4).await?;
    let person = load.people().first().context("there are people")?.clone();
    let call = person
        .post("/api/tasks")
        .header("x-correlation-id", "refused-for-a-test");
    let task = call
        .json(&json!({"title": "Comes home late"}))
        .send()
        .await?
        .expect(201)?
        .json()?;
    let (people, mut ledger) = load.finish(WRITES).await?;
    let (id, version) = (text(&task, "id")?.parse()?, number(&task, "version")?);
    ledger.record(Told {
        user: person.id,
        task: id,
        version,
        kind: "task.created",
    })?;
    let letter = only_dead_letter(world).await?;
    let history = format!("/api/tasks/{id}/history");
    ensure!(
        person.pages(&history).await?.is_empty(),
        "an entry was refused and is there"
    );
    world
        .database
        .batch_execute(include_str!("accept.sql"))
        .await?;
    world.dead_letters(&["replay", "--all"]).await?;
    let entry = wait::until("the replayed event is on the trail", GIVEN_UP, async || {
        Ok(person.pages(&history).await?.into_iter().next())
    })
    .await?;
    ensure!(
        entry.to_string().contains(&letter.event_id),
        "another event came home: {entry}"
    );
    Checker::new(&world.database, &people).settle(&ledger).await
}

#[derive(Debug)]
struct Letter {
    event_id: String,
}

async fn only_dead_letter(world: &World) -> Result<Letter> {
    let mut letters = wait::until("an event reaches the dead letters", GIVEN_UP, async || {
        let letters = world.open_dead_letters().await?;
        Ok((!letters.is_empty()).then_some(letters))
    })
    .await?;
    ensure!(
        letters.len() == 1,
        "more than the poison was given up: {letters:?}"
    );
    Ok(Letter {
        event_id: letters.pop().unwrap_or_default(),
    })
}
