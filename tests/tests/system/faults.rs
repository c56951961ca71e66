//! Faults: each part and each connection of the delivery path is broken under load, and then the checker checks delivery.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use stage::system::CLIENTS;
use tests::acknowledged::AcknowledgedWrite;
use tests::checker::Checker;
use tests::client::{Api, Requests, number, text};
use tests::fixture::Fixture;
use tests::load::Load;
use tests::wait;

/// How many acknowledged writes each test makes at least.
const WRITES: u64 = 1_200;
const USERS: usize = 8;

/// Starts the load, runs `fault` under it, lets the load go on, and checks that every acknowledged write is delivered.
pub async fn under_load<F>(fixture: &mut Fixture, fault: F) -> Result<()>
where
    F: AsyncFnOnce(&mut Fixture, &mut Load) -> Result<()>,
{
    let proxy = fixture.system.link(CLIENTS, "functions")?.address();
    let api = fixture.api.at(&format!("http://{proxy}"));
    let mut load = Load::start(&api, USERS).await?;
    load.reach(WRITES / 5).await?;
    fault(fixture, &mut load).await?;
    load.more(WRITES / 5).await?;
    let (users, acknowledged) = load.finish(WRITES).await?;
    ensure!(
        acknowledged.announced().count() > 0,
        "no recurring task was completed"
    );
    Checker::new(&fixture.database, &users)
        .check_delivery(&acknowledged)
        .await
}

/// Runs a test while the second bridge runs, too.
pub async fn with_two_bridges<F>(fixture: &mut Fixture, test: F) -> Result<()>
where
    F: AsyncFnOnce(&mut Fixture) -> Result<()>,
{
    fixture.system.bridge(1)?.start().await?;
    let result = test(fixture).await;
    fixture.system.bridge(1)?.terminate().await;
    result
}

pub async fn bridge_killed(fixture: &mut Fixture) -> Result<()> {
    under_load(fixture, async |fixture, load| {
        for _ in 0..3 {
            fixture.bridge()?.kill9().await;
            load.more(150).await?;
            ensure!(
                outbox_size(fixture).await? > 0,
                "the outbox did not grow while the bridge was down"
            );
            fixture.bridge()?.start().await?;
            load.more(150).await?;
        }
        Ok(())
    })
    .await
}

pub async fn host_killed(fixture: &mut Fixture) -> Result<()> {
    under_load(fixture, async |fixture, load| {
        for _ in 0..3 {
            fixture.system.host()?.kill9().await;
            fixture.system.host()?.start().await?;
            load.more(200).await?;
        }
        Ok(())
    })
    .await
}

/// When Redis stops, its trigger ends the function host, as on Spin. The supervisor restarts it, as Kubernetes does.
pub async fn redis_stopped(fixture: &mut Fixture) -> Result<()> {
    fixture.expect_end_of_functions();
    under_load(fixture, async |fixture, load| {
        let before = fixture.system.host()?.pid();
        fixture.system.redis()?.terminate().await;
        wait::until(
            "the function host exits",
            Duration::from_secs(60),
            async || {
                let host = fixture.system.host()?;
                Ok((!host.is_running() || host.pid() != before).then_some(()))
            },
        )
        .await?;
        fixture.system.redis()?.start().await?;
        wait::until(
            "the function host is ready again",
            Duration::from_secs(60),
            async || {
                fixture
                    .api
                    .get("/readyz")
                    .send()
                    .await?
                    .expect(200)
                    .map(Some)
            },
        )
        .await?;
        load.more(200).await
    })
    .await
}

pub async fn postgres_restarted(fixture: &mut Fixture) -> Result<()> {
    under_load(fixture, async |fixture, load| {
        fixture.system.postgres()?.restart().await?;
        fixture.reconnect().await?;
        load.more(200).await
    })
    .await
}

/// While Postgres is down, agents answer that they cannot work. An outage of any length makes no event a dead letter.
pub async fn postgres_unavailable(fixture: &mut Fixture) -> Result<()> {
    under_load(fixture, async |fixture, load| {
        fixture.system.postgres()?.terminate().await;
        agents_cannot_work(fixture).await?;
        fixture.system.postgres()?.start().await?;
        fixture.reconnect().await?;
        load.more(200).await
    })
    .await
}

/// Postgres works but takes no entries: the disk is full, a right is missing, and statements wait until they time out. The agents
/// still answer, so the bridge says what is wrong. No event becomes a dead letter, and all arrive afterwards.
pub async fn appends_refused(fixture: &mut Fixture) -> Result<()> {
    under_load(fixture, async |fixture, load| {
        for (refuse, accept) in [
            (
                include_str!("../../sql/refuse_appends.sql"),
                include_str!("../../sql/accept_appends.sql"),
            ),
            (
                include_str!("../../sql/revoke_append.sql"),
                include_str!("../../sql/grant_append.sql"),
            ),
            (include_str!("../../sql/lock_trail.sql"), "rollback"),
        ] {
            fixture.database.batch_execute(refuse).await?;
            load.more(100).await?;
            agents_cannot_work(fixture).await?;
            load.more(100).await?;
            fixture.database.batch_execute(accept).await?;
            let bridge = Api::new(&fixture.system.bridge_url(0)?)?;
            wait::until(
                "the bridge is ready again",
                Duration::from_secs(60),
                async || Ok((bridge.get("/readyz").send().await?.status.is_success()).then_some(())),
            )
            .await?;
        }
        Ok(())
    })
    .await
}

/// Waits until the bridge reports that the agents answer and cannot work.
pub async fn agents_cannot_work(fixture: &Fixture) -> Result<()> {
    let bridge = Api::new(&fixture.system.bridge_url(0)?)?;
    wait::until(
        "the bridge reports that the agents cannot work",
        Duration::from_secs(60),
        async || {
            let response = bridge.get("/readyz").send().await?;
            let body = String::from_utf8(response.body)?;
            Ok(body.contains("cannot work").then_some(()))
        },
    )
    .await
}

/// Postgres is killed without a shutdown. Acknowledged writes survive.
pub async fn postgres_killed(fixture: &mut Fixture) -> Result<()> {
    under_load(fixture, async |fixture, load| {
        fixture.system.postgres()?.kill9().await;
        fixture.system.postgres()?.start().await?;
        fixture.reconnect().await?;
        load.more(200).await
    })
    .await
}

/// While Kafka is down, the API accepts writes and the outbox grows. The outbox drains once Kafka is back.
pub async fn kafka_stopped(fixture: &mut Fixture) -> Result<()> {
    under_load(fixture, async |fixture, load| {
        fixture.system.kafka()?.terminate().await;
        load.more(600).await?;
        ensure!(
            outbox_size(fixture).await? >= 500,
            "the outbox did not grow while Kafka was down"
        );
        fixture.system.kafka()?.start().await
    })
    .await
}

/// Every event is delivered again while new ones are. Agents drop the duplicates.
pub async fn every_event_redelivered(fixture: &mut Fixture) -> Result<()> {
    let mut load = Load::start(&fixture.api, USERS).await?;
    load.reach(WRITES / 2).await?;
    let again = fixture
        .database
        .execute(include_str!("../../sql/requeue_trail.sql"), &[])
        .await?;
    ensure!(again >= 500, "only {again} events were queued again");
    let (users, mut acknowledged) = load.finish(WRITES).await?;
    Checker::new(&fixture.database, &users)
        .check_delivery(&acknowledged)
        .await?;
    let again = fixture
        .database
        .execute(include_str!("../../sql/requeue_trail.sql"), &[])
        .await?;
    ensure!(again >= WRITES, "only {again} events were queued again");
    // Events of a user stay in order, so once this one is delivered, so are all before it.
    for user in &users {
        let task = user.create(json!({"title": "After everything"})).await?;
        let (task, version) = (text(&task, "id")?.parse()?, number(&task, "version")?);
        acknowledged.record(AcknowledgedWrite {
            user: user.id,
            task,
            version,
            kind: "task.created",
        })?;
    }
    Checker::new(&fixture.database, &users)
        .check_delivery(&acknowledged)
        .await
}

/// Agents lose their database connection while a statement runs. An agent that acked before its commit would lose events here.
pub async fn appends_interrupted(fixture: &mut Fixture) -> Result<()> {
    under_load(fixture, async |fixture, load| {
        let mut terminated = 0;
        wait::until(
            "ten appends were interrupted",
            Duration::from_secs(60),
            async || {
                load.more(1).await?;
                let sessions: i64 = fixture
                    .database
                    .query_one(include_str!("../../sql/terminate_appends.sql"), &[])
                    .await?
                    .get(0);
                terminated += sessions;
                Ok((terminated >= 10).then_some(()))
            },
        )
        .await
    })
    .await
}

/// A consumer group loses its offsets and consumes all task events from the beginning.
pub async fn consumer_offsets_are_lost(fixture: &mut Fixture) -> Result<()> {
    under_load(fixture, async |fixture, load| {
        fixture.bridge()?.kill9().await;
        let reset = fixture
            .database
            .execute(include_str!("../../sql/reset_offsets.sql"), &[])
            .await?;
        ensure!(reset > 0, "the group had no offsets");
        fixture.bridge()?.start().await?;
        load.more(200).await?;
        wait::until(
            "the lag of the group is below 500 events",
            // It reads what all earlier tests have written, while the load goes on.
            Duration::from_secs(180),
            async || {
                let lag: i64 = fixture
                    .database
                    .query_one(include_str!("../../sql/consumer_lag.sql"), &[])
                    .await?
                    .get(0);
                Ok((lag < 500).then_some(()))
            },
        )
        .await
    })
    .await
}

/// One of two bridges is killed and stays down: the other one takes over its lanes.
pub async fn one_of_two_bridges_killed(fixture: &mut Fixture) -> Result<()> {
    with_two_bridges(fixture, async |fixture| {
        let result = under_load(fixture, async |fixture, load| {
            fixture.bridge()?.kill9().await;
            load.more(300).await
        })
        .await;
        fixture.bridge()?.start().await?;
        result
    })
    .await
}

/// Waits until hardly anything waits in the outbox while others write. `what` says what brings that about.
pub async fn outbox_drains(fixture: &Fixture, what: &str, limit: Duration) -> Result<()> {
    wait::until(what, limit, async || {
        Ok((outbox_size(fixture).await? < 100).then_some(()))
    })
    .await
}

async fn outbox_size(fixture: &Fixture) -> Result<i64> {
    Ok(fixture
        .database
        .query_one("select count(*) from outbox", &[])
        .await?
        .get(0))
}
