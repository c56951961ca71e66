//! Live clients while parts of the system are killed: they come back, and miss nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use stage::system::CLIENTS;
use tests::client::Requests;
use tests::fixture::Fixture;
use tests::live::follow::{Told, committed, follow};
use tests::live::{Events, Heard, Socket};
use tests::load::Load;
use tests::wait;

/// How long clients have to be complete after the last write, when everything works again.
const LIMIT: Duration = Duration::from_secs(60);

/// Lets two clients of each user follow while many write and `fault` breaks something. All of them get to the end.
async fn followed<F>(fixture: &mut Fixture, fault: F) -> Result<Vec<Told>>
where
    F: AsyncFnOnce(&mut Fixture, &mut Load) -> Result<()>,
{
    let gateway = fixture.system.live_address(0)?;
    let proxy = fixture.system.link(CLIENTS, "functions")?.address();
    let api = fixture.api.at(&format!("http://{proxy}"));
    let mut load = Load::start(&api, 4).await?;
    let database = fixture.system.database_url();
    let users = load.users().to_vec();
    let clients: Vec<_> = users
        .iter()
        .flat_map(|user| [user, user])
        .map(|user| (user.id, follow(user, gateway, database.clone())))
        .collect();
    load.reach(150).await?;
    fault(fixture, &mut load).await?;
    load.more(150).await?;
    load.finish(300).await?;
    let mut told = Vec::new();
    for (user, client) in clients {
        let goal = committed(&fixture.database, user).await?;
        told.push(client.reach(goal, LIMIT).await?);
    }
    Ok(told)
}

/// Every client came back at least once.
fn came_back(told: &[Told]) -> Result<()> {
    ensure!(told.iter().all(|told| told.connections > 1), "{told:?}");
    Ok(())
}

pub async fn the_bridge_is_killed(fixture: &mut Fixture) -> Result<()> {
    let told = followed(fixture, async |fixture, load| {
        for _ in 0..2 {
            fixture.bridge()?.kill9().await;
            load.more(100).await?;
            fixture.bridge()?.start().await?;
            load.more(100).await?;
        }
        Ok(())
    })
    .await?;
    came_back(&told)
}

pub async fn the_host_is_killed(fixture: &mut Fixture) -> Result<()> {
    let told = followed(fixture, async |fixture, load| {
        for _ in 0..3 {
            fixture.system.host()?.kill9().await;
            fixture.system.host()?.start().await?;
            load.more(100).await?;
        }
        Ok(())
    })
    .await?;
    // Their connections are to the bridge, so they stay.
    ensure!(told.iter().all(|told| told.connections == 1), "{told:?}");
    Ok(())
}

/// Clients stay connected while Redis is away. When it is back, they are told to compare.
pub async fn redis_is_stopped(fixture: &mut Fixture) -> Result<()> {
    fixture.expect_end_of_functions();
    let idle = fixture.api.new_user("UTC").await?;
    let gateway = fixture.system.live_address(0)?;
    let mut quiet = Events::join(gateway, &idle, 0).await?;
    quiet.next().await?;
    let told = followed(fixture, async |fixture, load| {
        fixture.system.redis()?.terminate().await;
        fixture.system.redis()?.start().await?;
        wait::until("the functions are ready again", LIMIT, async || {
            let ready = fixture.api.get("/readyz").send().await?;
            ready.expect(200).map(Some)
        })
        .await?;
        load.more(200).await
    })
    .await?;
    ensure!(told.iter().all(|told| told.connections == 1), "{told:?}");
    ensure!(told.iter().all(|told| told.resyncs > 0), "{told:?}");
    let resync = quiet.next().await?;
    ensure!(
        resync.data == json!({"type": "resync", "seq": 0}) && resync.id.is_none(),
        "unexpected: {resync:?}"
    );
    Ok(())
}

/// A connection that says nothing and is not closed either: messages are lost, and the gateway notices.
pub async fn redis_is_silent(fixture: &mut Fixture) -> Result<()> {
    let told = followed(fixture, async |fixture, load| {
        fixture.system.link("bridge-0", "redis")?.fall_silent();
        // The API goes on, and the gateway finds its subscription dead.
        wait::during(Duration::from_secs(4)).await;
        fixture.system.link("bridge-0", "redis")?.recover();
        load.more(200).await
    })
    .await?;
    ensure!(told.iter().all(|told| told.resyncs > 0), "{told:?}");
    Ok(())
}

/// A message that nobody can know of, because it was lost between Redis and the gateway, or never sent: the gateway compares numbers.
pub async fn a_number_that_never_comes(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let (mut socket, _) = Socket::join(gateway, &ada, Some(0)).await?;
    let skip = "update users set sync_seq = sync_seq + 1 where id = $1";
    fixture.database.execute(skip, &[&ada.id]).await?;
    let heard = socket.next(Duration::from_secs(20)).await?;
    ensure!(
        heard == Heard::Message(json!({"type": "resync", "seq": 1})),
        "unexpected: {heard:?}"
    );
    // The next change follows without a gap.
    ada.create(json!({"title": "two"})).await?;
    ensure!(socket.message().await?["seq"] == 2, "two is next");
    Ok(())
}
