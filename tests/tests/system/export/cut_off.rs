//! Exports that are larger than what a connection holds, so that the reader decides how far they are.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Response;
use serde_json::json;
use tests::client::{Calls, Person};
use tests::stage::{SOON, World};
use tests::wait;

use super::lines;

const LARGE: usize = 600;
/// Somebody who reads nothing is given up after half a minute.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// Somebody with 60 MB of entries on the trail.
async fn somebody_large(world: &World) -> Result<Person> {
    let person = world.api.newcomer("UTC").await?;
    for _ in 0..LARGE / 200 {
        let statement = include_str!("fill_trail.sql");
        world.database.execute(statement, &[&person.id]).await?;
    }
    Ok(person)
}

/// An export of which a first piece has been read.
async fn begun(person: &Person, correlation: &str) -> Result<(Response, Vec<u8>)> {
    let call = person.get("/api/audit/export?type=large");
    let call = call.header("x-correlation-id", correlation);
    let mut response = call.open().await?;
    let piece = response.chunk().await?.context("an export begins")?;
    Ok((response, piece.to_vec()))
}

async fn rest(response: &mut Response, body: &mut Vec<u8>) -> Result<()> {
    while let Some(piece) = response.chunk().await? {
        body.extend_from_slice(&piece);
    }
    Ok(())
}

/// What is recorded while somebody exports is left out, and all that was there is in it, in order.
pub async fn an_export_ends_where_it_began(world: &mut World) -> Result<()> {
    let person = somebody_large(world).await?;
    let (mut response, mut body) = begun(&person, "to-the-end").await?;
    let statement = include_str!("fill_trail.sql");
    world.database.execute(statement, &[&person.id]).await?;
    rest(&mut response, &mut body).await?;
    let numbers: Vec<_> = lines(&body)?
        .iter()
        .map(|line| line["no"].as_i64())
        .collect();
    ensure!(
        numbers.len() == LARGE,
        "{} of {LARGE} entries",
        numbers.len()
    );
    ensure!(numbers.is_sorted(), "entries are not in their order");
    Ok(())
}

/// The database refuses in the middle: the client gets no end, and so knows that it does not have everything.
pub async fn an_export_is_cut_off(world: &mut World) -> Result<()> {
    world.allow("request failed");
    let person = somebody_large(world).await?;
    let (mut response, mut body) = begun(&person, "cut-off").await?;
    let revoked = world
        .database
        .execute(include_str!("revoke.sql"), &[])
        .await;
    let ended = rest(&mut response, &mut body).await;
    let granted = world.database.execute(include_str!("grant.sql"), &[]).await;
    revoked?;
    granted?;
    ensure!(
        ended.is_err(),
        "an export of {} bytes ends as if it were whole",
        body.len()
    );
    ensure!(
        !body.is_empty() && body.len() < LARGE * 100_000,
        "{} bytes before the end",
        body.len()
    );
    // Refused from the start, it is a problem like any other.
    world
        .database
        .execute(include_str!("revoke.sql"), &[])
        .await?;
    let refused = person.get("/api/audit/export").send().await;
    world
        .database
        .execute(include_str!("grant.sql"), &[])
        .await?;
    refused?.problem(500)?;
    Ok(())
}

/// Who leaves, or reads nothing, ends the export; and it has not run ahead in the meantime.
pub async fn readers_that_leave(world: &mut World) -> Result<()> {
    let person = somebody_large(world).await?;
    let log = world.system.host()?.log().to_owned();
    let given_up = async |correlation: &str| -> Result<Option<()>> {
        let text = std::fs::read_to_string(&log)?;
        let found = text.lines().any(|line| {
            line.contains("the client took no more of the answer") && line.contains(correlation)
        });
        Ok(found.then_some(()))
    };
    let stalled = begun(&person, "reads-nothing").await?;
    drop(begun(&person, "leaves").await?);
    let what = "the export ends when its client has left";
    wait::until(what, SOON, async || given_up("leaves").await).await?;
    ensure!(
        given_up("reads-nothing").await?.is_none(),
        "an export ended while its client was there"
    );
    let what = "the export ends when its client reads nothing";
    wait::until(what, GIVEN_UP, async || given_up("reads-nothing").await).await?;
    let (mut response, mut body) = stalled;
    ensure!(
        rest(&mut response, &mut body).await.is_err() && body.len() < LARGE * 50_000,
        "{} bytes came in the end",
        body.len()
    );
    person.create(json!({"title": "All is well"})).await?;
    Ok(())
}
