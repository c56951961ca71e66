//! Each arrow of the road broken on purpose while people write, and judged by the checker afterwards.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::checker::Checker;
use tests::client::{Api, Calls, number, text};
use tests::ledger::Told;
use tests::load::Load;
use tests::stage::World;
use tests::wait;

/// Acknowledged writes under way around each fault.
const WRITES: u64 = 2_000;
const PEOPLE: usize = 8;

/// Lets people write, breaks something, lets them go on, and judges what they were told.
async fn under_load<F>(world: &mut World, fault: F) -> Result<()>
where
    F: AsyncFnOnce(&mut World, &mut Load) -> Result<()>,
{
    let mut load = Load::start(&world.api, PEOPLE).await?;
    load.reach(WRITES / 5).await?;
    fault(world, &mut load).await?;
    load.more(WRITES / 5).await?;
    let (people, ledger) = load.finish(WRITES).await?;
    Checker::new(&world.database, &people).settle(&ledger).await
}

pub async fn bridge_killed(world: &mut World) -> Result<()> {
    under_load(world, async |world, load| {
        for _ in 0..3 {
            world.bridge()?.kill9().await;
            load.more(150).await?;
            ensure!(
                waiting(world).await? > 0,
                "nothing was under way while the bridge was dead"
            );
            world.bridge()?.start().await?;
            load.more(150).await?;
        }
        Ok(())
    })
    .await
}

pub async fn host_killed(world: &mut World) -> Result<()> {
    under_load(world, async |world, load| {
        for _ in 0..3 {
            world.system.host()?.kill9().await;
            world.system.host()?.start().await?;
            load.more(200).await?;
        }
        Ok(())
    })
    .await
}

/// Spin's rules end the function host when Redis goes away; it is started again as Kubernetes would.
pub async fn redis_stopped(world: &mut World) -> Result<()> {
    under_load(world, async |world, load| {
        let before = world.system.host()?.pid();
        world.system.redis()?.terminate().await;
        wait::until(
            "the function host ends",
            Duration::from_secs(20),
            async || {
                let host = world.system.host()?;
                Ok((!host.is_running() || host.pid() != before).then_some(()))
            },
        )
        .await?;
        world.system.redis()?.start().await?;
        wait::until(
            "the function host is back",
            Duration::from_secs(20),
            async || world.api.get("/readyz").send().await?.expect(200).map(Some),
        )
        .await?;
        load.more(200).await
    })
    .await
}

pub async fn postgres_restarted(world: &mut World) -> Result<()> {
    under_load(world, async |world, load| {
        world.system.postgres()?.restart().await?;
        world.reconnect().await?;
        load.more(200).await
    })
    .await
}

/// Agents that can do nothing answer nothing, and no event is blamed for it, however long it lasts.
pub async fn postgres_away(world: &mut World) -> Result<()> {
    under_load(world, async |world, load| {
        let bridge = Api::new(&world.system.bridge_url(0)?)?;
        world.system.postgres()?.terminate().await;
        wait::until(
            "the bridge gives no lane any work",
            Duration::from_secs(20),
            async || {
                let answer = bridge.get("/readyz").send().await?;
                let said = String::from_utf8(answer.body)?;
                Ok(said.contains("listens and answers").then_some(()))
            },
        )
        .await?;
        world.system.postgres()?.start().await?;
        world.reconnect().await?;
        load.more(200).await
    })
    .await
}

/// What was acknowledged was on the disk.
pub async fn postgres_crashed(world: &mut World) -> Result<()> {
    under_load(world, async |world, load| {
        world.system.postgres()?.kill9().await;
        world.system.postgres()?.start().await?;
        world.reconnect().await?;
        load.more(200).await
    })
    .await
}

/// The API does not notice; the outbox grows, and drains once the log is back.
pub async fn kafka_stopped(world: &mut World) -> Result<()> {
    // librdkafka calls every failed connection an error.
    world.allow("librdkafka");
    under_load(world, async |world, load| {
        world.system.kafka()?.terminate().await;
        load.more(600).await?;
        ensure!(
            waiting(world).await? >= 500,
            "the outbox did not grow while Kafka was down"
        );
        world.system.kafka()?.start().await
    })
    .await
}

/// Every event comes down the road a second time, while new ones do.
pub async fn everything_twice(world: &mut World) -> Result<()> {
    let mut load = Load::start(&world.api, PEOPLE).await?;
    load.reach(WRITES / 2).await?;
    let again = world
        .database
        .execute(include_str!("again.sql"), &[])
        .await?;
    ensure!(again >= 500, "only {again} events were queued again");
    let (people, mut ledger) = load.finish(WRITES).await?;
    Checker::new(&world.database, &people)
        .settle(&ledger)
        .await?;
    let again = world
        .database
        .execute(include_str!("again.sql"), &[])
        .await?;
    ensure!(again >= WRITES, "only {again} events were queued again");
    // A user's events stay in order: once this one has arrived, so has everything before it.
    for person in &people {
        let task = person.create(json!({"title": "After everything"})).await?;
        let (task, version) = (text(&task, "id")?.parse()?, number(&task, "version")?);
        ledger.record(Told {
            user: person.id,
            task,
            version,
            kind: "task.created",
        })?;
    }
    Checker::new(&world.database, &people).settle(&ledger).await
}

/// Agents lose their database in the middle of a statement: whoever answers before the effect is durable loses events here.
pub async fn appends_cut_off(world: &mut World) -> Result<()> {
    under_load(world, async |world, load| {
        let mut cut = 0;
        wait::until(
            "ten appends were cut off half way",
            Duration::from_secs(60),
            async || {
                load.more(1).await?;
                let sessions: i64 = world
                    .database
                    .query_one(include_str!("cut_off.sql"), &[])
                    .await?
                    .get(0);
                cut += sessions;
                Ok((cut >= 10).then_some(()))
            },
        )
        .await
    })
    .await
}

/// The group starts again from the beginning, as if its offsets had never been kept.
pub async fn offsets_lost(world: &mut World) -> Result<()> {
    // A poison event that an earlier test put aside is read once more, and given up once more.
    world.allow("an event becomes a dead letter");
    under_load(world, async |world, load| {
        world.bridge()?.kill9().await;
        let reset = world
            .database
            .execute(include_str!("offsets_lost.sql"), &[])
            .await?;
        ensure!(reset > 0, "the group had no offsets");
        world.bridge()?.start().await?;
        load.more(200).await?;
        wait::until(
            "the group has caught up with the log",
            Duration::from_secs(60),
            async || {
                let lag: i64 = world
                    .database
                    .query_one(include_str!("lag.sql"), &[])
                    .await?
                    .get(0);
                Ok((lag < 500).then_some(()))
            },
        )
        .await
    })
    .await?;
    // The checker has found every acknowledged write on the trail, so nothing else can be among these.
    world.dead_letters(&["discard", "--all"]).await?;
    Ok(())
}

/// The other one takes over, and nobody starts the dead one again until it is proved.
pub async fn one_of_two_bridges_killed(world: &mut World) -> Result<()> {
    world.system.bridge(1)?.start().await?;
    let proved = under_load(world, async |world, load| {
        world.bridge()?.kill9().await;
        load.more(300).await
    })
    .await;
    world.bridge()?.start().await?;
    world.system.bridge(1)?.terminate().await;
    proved
}

async fn waiting(world: &World) -> Result<i64> {
    Ok(world
        .database
        .query_one("select count(*) from outbox", &[])
        .await?
        .get(0))
}
