//! Events that cannot be applied: each alone reaches the dead letters, and what can be repaired comes home.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::checker::Checker;
use tests::client::{Calls, number, text};
use tests::ledger::Told;
use tests::load::Load;
use tests::stage::World;
use tests::wait;
use uuid::Uuid;

const WRITES: u64 = 2_000;
/// An event is delivered alone five times, each after a longer pause.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// An event that is none, in the middle of its user's events: the others do not notice.
pub async fn a_poison_event_stands_alone(world: &mut World) -> Result<()> {
    world.allow("an event becomes a dead letter");
    let before = world.given_up().await?;
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
    until_given_up(world, &mut load, before).await?;
    let (people, ledger) = load.finish(WRITES).await?;
    let letter = only_dead_letter(world).await?;
    ensure!(
        letter == poison.to_string(),
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
    world.allow("an event becomes a dead letter");
    let before = world.given_up().await?;
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
    until_given_up(world, &mut load, before).await?;
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
        entry.to_string().contains(&letter),
        "another event came home: {entry}"
    );
    Checker::new(&world.database, &people).settle(&ledger).await
}

/// Goes on writing until something was given up.
async fn until_given_up(world: &World, load: &mut Load, before: u64) -> Result<()> {
    let start = Instant::now();
    while world.given_up().await? == before {
        ensure!(
            start.elapsed() < GIVEN_UP,
            "within {GIVEN_UP:?} nothing reached the dead letters"
        );
        load.more(50).await?;
    }
    Ok(())
}

/// The id of the one event that was given up.
async fn only_dead_letter(world: &World) -> Result<String> {
    let mut letters = world.open_dead_letters().await?;
    ensure!(
        letters.len() == 1,
        "not the poison alone was given up: {letters:?}"
    );
    letters.pop().context("there is one")
}
