//! Exports that are larger than the buffers of a connection, so the client decides how far they get.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Response;
use serde_json::json;
use tests::client::{Requests, User};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::lines;

/// Entries of a large export, of 100 kB each.
const LARGE: usize = 600;
/// The API ends an export whose client has read nothing for 30 s.
const STALL_LIMIT: Duration = Duration::from_secs(60);

/// A user with 60 MB of entries on the trail.
async fn user_with_large_trail(fixture: &Fixture) -> Result<User> {
    let user = fixture.api.new_user("UTC").await?;
    for _ in 0..LARGE / 200 {
        let statement = include_str!("../../../sql/append_large_events.sql");
        fixture.database.execute(statement, &[&user.id]).await?;
    }
    Ok(user)
}

/// Starts an export and reads its first chunk.
async fn start_export(user: &User, correlation: &str) -> Result<(Response, Vec<u8>)> {
    let request = user.get("/api/audit/export?type=large");
    let request = request.header("x-correlation-id", correlation);
    let mut response = request.open().await?;
    let piece = response.chunk().await?.context("the export is empty")?;
    Ok((response, piece.to_vec()))
}

/// Reads the rest of a body.
async fn read_rest(response: &mut Response, body: &mut Vec<u8>) -> Result<()> {
    while let Some(piece) = response.chunk().await? {
        body.extend_from_slice(&piece);
    }
    Ok(())
}

/// An export holds all entries from before it started, in order, and none that is recorded while it runs.
pub async fn an_export_is_a_snapshot(fixture: &mut Fixture) -> Result<()> {
    let user = user_with_large_trail(fixture).await?;
    let (mut response, mut body) = start_export(&user, "to-the-end").await?;
    let statement = include_str!("../../../sql/append_large_events.sql");
    fixture.database.execute(statement, &[&user.id]).await?;
    read_rest(&mut response, &mut body).await?;
    let numbers: Vec<_> = lines(&body)?
        .iter()
        .map(|line| line["no"].as_i64())
        .collect();
    ensure!(
        numbers.len() == LARGE,
        "{} of {LARGE} entries",
        numbers.len()
    );
    ensure!(numbers.is_sorted(), "entries are not in order");
    Ok(())
}

/// When the database fails during an export, the body ends without its terminator, so the client knows that it is incomplete.
pub async fn an_export_is_interrupted(fixture: &mut Fixture) -> Result<()> {
    fixture.expect_error("request failed");
    let user = user_with_large_trail(fixture).await?;
    let (mut response, mut body) = start_export(&user, "cut-off").await?;
    let revoked = fixture
        .database
        .execute(include_str!("../../../sql/revoke_audit_read.sql"), &[])
        .await;
    let ended = read_rest(&mut response, &mut body).await;
    let granted = fixture
        .database
        .execute(include_str!("../../../sql/grant_audit_read.sql"), &[])
        .await;
    revoked?;
    granted?;
    ensure!(
        ended.is_err(),
        "an export that was interrupted after {} bytes ends as if it were complete",
        body.len()
    );
    ensure!(
        !body.is_empty() && body.len() < LARGE * 100_000,
        "{} bytes before the end",
        body.len()
    );
    // When the database fails before the first entry, the response is a problem.
    fixture
        .database
        .execute(include_str!("../../../sql/revoke_audit_read.sql"), &[])
        .await?;
    let failed = user.get("/api/audit/export").send().await;
    fixture
        .database
        .execute(include_str!("../../../sql/grant_audit_read.sql"), &[])
        .await?;
    failed?.problem(500)?;
    Ok(())
}

/// An export whose client reads one piece and then nothing. Its receive buffer is small, so the rest stays with the server: the
/// kernel would take a whole export into a buffer of the default size.
async fn stalled_export(user: &User, correlation: &str) -> Result<TcpStream> {
    let host = user.api.base().trim_start_matches("http://");
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(64 * 1024)?;
    let mut stream = socket.connect(host.parse()?).await?;
    let request = format!(
        "GET /api/audit/export?type=large HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\n\
         x-correlation-id: {correlation}\r\n\r\n",
        user.token
    );
    stream.write_all(request.as_bytes()).await?;
    let mut piece = [0; 1024];
    let read = stream.read(&mut piece).await?;
    ensure!(
        piece.starts_with(b"HTTP/1.1 200 "),
        "no export: {:?}",
        &piece[..read]
    );
    Ok(stream)
}

/// An export ends when its client disconnects, or reads nothing or next to nothing for a while. Until then it does not buffer what is
/// not read.
pub async fn clients_that_stop_reading(fixture: &mut Fixture) -> Result<()> {
    let user = user_with_large_trail(fixture).await?;
    let log = fixture.system.host()?.log().to_owned();
    let has_ended = async |correlation: &str| -> Result<Option<()>> {
        let text = std::fs::read_to_string(&log)?;
        let found = text.lines().any(|line| {
            line.contains("the client stopped reading the response") && line.contains(correlation)
        });
        Ok(found.then_some(()))
    };
    let mut stalled = stalled_export(&user, "reads-nothing").await?;
    let mut slow = stalled_export(&user, "reads-bytes").await?;
    drop(start_export(&user, "leaves").await?);
    let what = "the export ends after its client has disconnected";
    wait::until(what, DELIVERY_LIMIT, async || has_ended("leaves").await).await?;
    ensure!(
        has_ended("reads-nothing").await?.is_none() && has_ended("reads-bytes").await?.is_none(),
        "an export ended while its client was connected"
    );
    let what = "the exports end whose clients have read nothing or a few bytes for a while";
    wait::until(what, STALL_LIMIT, async || {
        // Another byte with each look, which is 40 times in a second.
        slow.read_u8().await.ok();
        let (nothing, bytes) = (has_ended("reads-nothing"), has_ended("reads-bytes"));
        Ok(nothing.await?.and(bytes.await?))
    })
    .await?;
    let mut rest = Vec::new();
    // The server may also reset the connection.
    stalled.read_to_end(&mut rest).await.ok();
    ensure!(
        !rest.ends_with(b"\r\n0\r\n\r\n") && rest.len() < LARGE * 25_000,
        "{} bytes could be read after all",
        rest.len()
    );
    user.create(json!({"title": "All is well"})).await?;
    Ok(())
}
