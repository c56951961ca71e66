//! Ten thousand reminders that are due at once, while the functions are killed.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::client::text;
use tests::fixture::Fixture;
use tests::wait;

use super::messages::World;

const USERS: usize = 50;
const TASKS: usize = 200;
const KILLS: usize = 3;
const LIMIT: Duration = Duration::from_secs(120);

/// Each reminder comes once into the inbox and is sent by email. A mail whose result could not be recorded is sent once more, and this
/// provider knows no idempotency keys, so it shows that.
pub async fn ten_thousand_at_once(_: &mut Fixture) -> Result<()> {
    let world = World::start("mailpit").await?;
    let mut users = Vec::new();
    for _ in 0..USERS {
        users.push(world.api.new_user("UTC").await?.id.to_string());
    }
    let insert = include_str!("../../../sql/insert_due_reminders.sql");
    let tasks = i64::try_from(TASKS)?;
    world.database.execute(insert, &[&users, &tasks]).await?;
    for kill in 1..=KILLS {
        let before = USERS * TASKS * kill / (KILLS + 2);
        world.mails_within(before, LIMIT).await?;
        world.system.host()?.kill9().await;
        world.system.host()?.start().await?;
        let statement = include_str!("../../../sql/end_claims.sql");
        world.database.execute(statement, &[]).await?;
    }
    let all = i64::try_from(USERS * TASKS)?;
    let counts = wait::until("all reminders are delivered", LIMIT, async || {
        let statement = include_str!("../../../sql/count_deliveries.sql");
        let row = world.database.query_one(statement, &[]).await?;
        let counts: Vec<i64> = (0..5).map(|column| row.get(column)).collect();
        match counts[1] >= 2 * all {
            true => Ok(Some(counts)),
            false => anyhow::bail!("{counts:?}"),
        }
    })
    .await?;
    ensure!(counts == [2 * all, 2 * all, 2 * all, all, 0], "{counts:?}");
    let mut mails: BTreeMap<String, usize> = BTreeMap::new();
    for mail in world.mails(0).await? {
        *mails.entry(text(&mail, "Subject")?).or_default() += 1;
    }
    ensure!(
        mails.len() == USERS * TASKS,
        "{} different mails",
        mails.len()
    );
    let most = mails.values().max().context("no mails")?;
    ensure!(*most <= 1 + KILLS, "a mail was sent {most} times");
    let repeated = mails.values().filter(|times| **times > 1).count();
    // At most the messages in flight of each agent and trigger.
    ensure!(repeated <= KILLS * 3 * 32, "{repeated} mails were repeated");
    world.system.stop().await;
    Ok(())
}
