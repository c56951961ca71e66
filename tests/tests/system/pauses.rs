//! Parts that stand still for a while (SIGSTOP), as on a machine that has too much to do, and then go on as if nothing had happened.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tests::client::{Api, Requests};
use tests::fixture::Fixture;
use tests::wait;

use crate::faults::{outbox_drains, under_load, with_two_bridges};

/// The agents' lanes become deaf after 12 s. Then their answers arrive.
pub async fn functions_paused(fixture: &mut Fixture) -> Result<()> {
    under_load(fixture, async |fixture, load| {
        let paused = fixture.system.host()?.pause();
        wait::during(Duration::from_secs(14)).await;
        drop(paused);
        load.more(200).await
    })
    .await
}

/// A bridge that was told to stop is not ready any more, while the frames that it has sent settle.
pub async fn a_bridge_that_stops(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let bridge = fixture.bridge()?;
    let paused = bridge.pause();
    user.create(json!({"title": "Water the plants"})).await?;
    let functions = fixture.system.host()?.pause();
    drop(paused);
    let health = Api::new(&fixture.system.bridge_url(0)?)?;
    wait::until(
        "a frame is in flight",
        Duration::from_secs(10),
        async || {
            let metrics = health.get("/metrics").send().await?.expect(200)?;
            let metrics = String::from_utf8(metrics.body)?;
            let mut flights = metrics
                .lines()
                .filter(|line| line.starts_with("spindle_frames_in_flight{"));
            Ok(flights.any(|line| !line.ends_with(" 0")).then_some(()))
        },
    )
    .await?;
    let watch = async {
        let not_ready = wait::until("it is not ready", Duration::from_secs(5), async || {
            let ready = health.get("/readyz").send().await?;
            let text = String::from_utf8(ready.body)?;
            Ok((ready.status == 503 && text.contains("the bridge is stopping")).then_some(()))
        });
        let not_ready = not_ready.await;
        drop(functions);
        not_ready
    };
    let ((), not_ready) = tokio::join!(bridge.terminate(), watch);
    not_ready?;
    fixture.bridge()?.start().await
}

/// A bridge stands still for longer than its leases last, so the other one takes its work over. Then it goes on with what it holds.
pub async fn bridge_paused(fixture: &mut Fixture) -> Result<()> {
    with_two_bridges(fixture, async |fixture| {
        under_load(fixture, async |fixture, load| {
            let paused = fixture.bridge()?.pause();
            wait::during(Duration::from_secs(7)).await;
            let what = "the other bridge relays everything";
            outbox_drains(fixture, what, Duration::from_secs(20)).await?;
            drop(paused);
            load.more(400).await
        })
        .await
    })
    .await
}

/// Each server stands still.
pub async fn servers_paused(fixture: &mut Fixture) -> Result<()> {
    under_load(fixture, async |fixture, load| {
        for name in ["postgres", "redis", "kafka"] {
            let Ok(server) = fixture.system.part(name) else {
                continue;
            };
            let paused = server.pause();
            wait::during(Duration::from_secs(3)).await;
            drop(paused);
            load.more(150).await?;
        }
        Ok(())
    })
    .await
}
