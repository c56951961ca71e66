//! Events that an agent cannot apply: they become dead letters without affecting other events, and can be replayed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::acknowledged::AcknowledgedWrite;
use tests::checker::Checker;
use tests::client::{Requests, number, text};
use tests::fixture::Fixture;
use tests::load::Load;
use tests::wait;
use uuid::Uuid;

const WRITES: u64 = 2_000;
/// The time limit for an event to become a dead letter. Before that, it is delivered alone five times, with a growing backoff.
const DEAD_LETTER_LIMIT: Duration = Duration::from_secs(60);

/// A malformed event among those of a user becomes a dead letter. All other events are delivered.
pub async fn a_poison_event_is_isolated(fixture: &mut Fixture) -> Result<()> {
    fixture.expect_error("event failed for good and becomes a dead letter");
    let before = fixture.dead_letters_total().await?;
    let mut load = Load::start(&fixture.api, 8).await?;
    load.reach(WRITES / 4).await?;
    let user = load.users().first().context("there are users")?.id;
    let poison = Uuid::now_v7();
    let event =
        json!({"specversion": "1.0", "id": poison, "type": "task.created", "data": "poison"})
            .to_string();
    fixture
        .database
        .execute(
            include_str!("../../sql/queue_event.sql"),
            &[&user, &poison, &event],
        )
        .await?;
    wait_for_dead_letter(fixture, &mut load, before).await?;
    let (users, acknowledged) = load.finish(WRITES).await?;
    let letter = only_dead_letter(fixture).await?;
    ensure!(
        letter == poison.to_string(),
        "the dead letter is not the poison event: {letter:?}"
    );
    Checker::new(&fixture.database, &users)
        .check_delivery(&acknowledged)
        .await?;
    fixture.dead_letters(&["discard", "--all"]).await?;
    Ok(())
}

/// The database rejects the entry of one acknowledged write. Once that is repaired, `dead-letters replay` delivers it.
pub async fn a_dead_letter_is_replayed(fixture: &mut Fixture) -> Result<()> {
    fixture.expect_error("event failed for good and becomes a dead letter");
    let before = fixture.dead_letters_total().await?;
    fixture
        .database
        .batch_execute(include_str!("../../sql/add_strict_constraint.sql"))
        .await?;
    let mut load = Load::start(&fixture.api, 8).await?;
    load.reach(WRITES / 4).await?;
    let user = load.users().first().context("there are users")?.clone();
    let request = user
        .post("/api/tasks")
        .header("x-correlation-id", "rejected-for-a-test");
    let task = request
        .json(&json!({"title": "Delivered late"}))
        .send()
        .await?
        .expect(201)?
        .json()?;
    wait_for_dead_letter(fixture, &mut load, before).await?;
    let (users, mut acknowledged) = load.finish(WRITES).await?;
    let (id, version) = (text(&task, "id")?.parse()?, number(&task, "version")?);
    acknowledged.record(AcknowledgedWrite {
        user: user.id,
        task: id,
        version,
        kind: "task.created",
    })?;
    let letter = only_dead_letter(fixture).await?;
    let history = format!("/api/tasks/{id}/history");
    ensure!(
        user.pages(&history).await?.is_empty(),
        "the rejected entry is on the trail"
    );
    fixture
        .database
        .batch_execute(include_str!("../../sql/drop_strict_constraint.sql"))
        .await?;
    fixture.dead_letters(&["replay", "--all"]).await?;
    let entry = wait::until(
        "the replayed event is on the audit trail",
        DEAD_LETTER_LIMIT,
        async || Ok(user.pages(&history).await?.into_iter().next()),
    )
    .await?;
    ensure!(
        entry.to_string().contains(&letter),
        "the entry is not the dead letter: {entry}"
    );
    Checker::new(&fixture.database, &users)
        .replayed(letter.parse()?)
        .check_delivery(&acknowledged)
        .await
}

/// Keeps the load going until there is a dead letter.
async fn wait_for_dead_letter(fixture: &Fixture, load: &mut Load, before: u64) -> Result<()> {
    let start = Instant::now();
    while fixture.dead_letters_total().await? == before {
        ensure!(
            start.elapsed() < DEAD_LETTER_LIMIT,
            "no dead letter within {DEAD_LETTER_LIMIT:?}"
        );
        load.more(50).await?;
    }
    Ok(())
}

/// The id of the only dead letter.
async fn only_dead_letter(fixture: &Fixture) -> Result<String> {
    let mut letters = fixture.open_dead_letters().await?;
    ensure!(
        letters.len() == 1,
        "there is not exactly one dead letter: {letters:?}"
    );
    letters.pop().context("there is no dead letter")
}
