//! Servers that answer and still do not work: a read-only Postgres, a Redis that failed over, and a Redis or a Kafka without rights.

use std::time::Duration;

use anyhow::{Context, Result};
use stage::scratch::Scratch;
use stage::services::Redis;
use stage::services::kafka_acl::{Operation, Resource, Right};
use tests::client::Requests;
use tests::fixture::Fixture;
use tests::wait;

use crate::faults::{agents_cannot_work, outbox_drains, under_load};

/// Postgres accepts no change, as after a failover to a server that is still in recovery. Agents answer that they cannot work.
pub async fn postgres_read_only(fixture: &mut Fixture) -> Result<()> {
    under_load(fixture, async |fixture, load| {
        let database = &fixture.database;
        let end_sessions = include_str!("../../sql/end_sessions.sql");
        database
            .batch_execute(include_str!("../../sql/set_read_only.sql"))
            .await?;
        database.execute(end_sessions, &[]).await?;
        agents_cannot_work(fixture).await?;
        database
            .batch_execute(include_str!("../../sql/set_writable.sql"))
            .await?;
        // A session that was just beginning is not listed yet, and keeps the old settings.
        for _ in 0..2 {
            database.execute(end_sessions, &[]).await?;
            load.more(100).await?;
        }
        Ok(())
    })
    .await
}

/// Redis fails over: its address belongs to another server, which knows nothing.
pub async fn redis_fails_over(fixture: &mut Fixture) -> Result<()> {
    fixture.expect_end_of_functions();
    let folder = Scratch::new("redis")?;
    let other = Redis::start(folder.path()).await?;
    let first = fixture.system.redis_url();
    let first = first.strip_prefix("redis://").context("a Redis URL")?;
    under_load(fixture, async |fixture, load| {
        for address in [&other.address(), first] {
            let links = fixture.system.links().iter();
            links
                .filter(|link| link.to() == "redis")
                .for_each(|link| link.proxy().redirect(address));
            wait::until(
                "the functions are ready again",
                Duration::from_secs(60),
                async || {
                    let ready = fixture.api.get("/readyz").send().await?;
                    ready.expect(200).map(Some)
                },
            )
            .await?;
            load.more(200).await?;
        }
        Ok(())
    })
    .await
}

/// Nobody may publish in Redis: neither the bridge its frames, nor the agents their answers.
pub async fn redis_without_rights(fixture: &mut Fixture) -> Result<()> {
    let client = redis::Client::open(fixture.system.redis_url())?;
    let mut admin = client.get_multiplexed_async_connection().await?;
    under_load(fixture, async |fixture, load| {
        let mut may_publish = async |rule: &str| {
            let mut change = redis::cmd("ACL");
            change.arg(&["SETUSER", "default", rule]);
            change.query_async::<()>(&mut admin).await
        };
        may_publish("-publish").await?;
        load.more(200).await?;
        may_publish("+publish").await?;
        outbox_drains(fixture, "the outbox drains", Duration::from_secs(60)).await
    })
    .await
}

/// The bridge may not write to Kafka, then not read, and then not be in a group.
pub async fn kafka_without_rights(fixture: &mut Fixture) -> Result<()> {
    // The bridge says which topic or group it may not use.
    fixture.expect_error("authorization failed");
    let brokers = fixture.system.brokers().context("no Kafka")?.to_owned();
    under_load(fixture, async |fixture, load| {
        for right in [
            Right::new(Resource::Topic, "task-", Operation::Write),
            Right::new(Resource::Topic, "task-", Operation::Read),
            Right::new(Resource::Group, "spindle.", Operation::Read),
        ] {
            let denied = right.denied();
            denied.add(&brokers).await?;
            load.more(200).await?;
            denied.remove(&brokers).await?;
            outbox_drains(fixture, "the outbox drains", Duration::from_secs(60)).await?;
        }
        Ok(())
    })
    .await
}
