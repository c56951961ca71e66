//! Hostile headers, and bodies that are far larger than the limit.

use anyhow::{Context, Result, ensure};
use futures::future::join_all;
use serde_json::json;
use tests::fixture::Fixture;

use super::{Rejections, post};

pub async fn hostile_headers(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let body = br#"{"title":"x"}"#;
    let long = "x".repeat(4000);
    let mut rejections = Rejections::start(fixture).await?;
    for (name, value) in [
        ("idempotency-key", ""),
        ("idempotency-key", long.as_str()),
        ("content-type", ""),
        ("content-type", "application/jsonp"),
        ("content-type", "text/html;application/json"),
        ("authorization", "Bearer"),
        ("authorization", "Basic YTpi"),
        ("authorization", "Bearer a.b.c"),
        ("authorization", "Bearer  "),
        ("x-on-behalf-of", "00000000-0000-0000-0000-000000000000"),
    ] {
        let request = post(&user, "/api/tasks", body).header(name, value);
        let shown = format!("{name}: {value:.20}");
        rejections
            .check(&shown, &[400, 401, 403, 415], request)
            .await;
    }
    rejections.finish().await?;

    // Headers that only describe the request are ignored where they are invalid, and the request succeeds.
    for (name, value) in [
        ("x-correlation-id", long.as_str()),
        ("x-correlation-id", "a\tb"),
        ("traceparent", "00-zz"),
        ("traceparent", long.as_str()),
        ("x-forwarded-for", "' or 1=1 --, ::1, 999.1.1.1"),
        ("spin-client-addr", "nonsense"),
        ("origin", "null"),
        ("accept", "text/html;q=0"),
        ("accept-encoding", long.as_str()),
        ("expect", "nothing"),
        ("x-http-method-override", "DELETE"),
    ] {
        let request = post(&user, "/api/tasks", body).header(name, value);
        let response = request.send().await.with_context(|| name.to_owned())?;
        ensure!(response.status == 201, "{name}: {value:.20}: {response:?}");
        let echoed = response
            .header("x-correlation-id")
            .context("the response has no correlation id")?;
        ensure!((1..=128).contains(&echoed.len()), "{name}: {echoed}");
    }
    let many = (0..90).fold(post(&user, "/api/tasks", body), |request, n| {
        request.header(&format!("x-many-{n}"), "y")
    });
    many.send().await?.expect(201)?;
    Ok(())
}

/// The host reads on beyond the limit, so that the client gets its response, but it discards what it reads: a large body is
/// never in memory as a whole.
pub async fn endless_bodies(fixture: &mut Fixture) -> Result<()> {
    const LENGTH: usize = 48 << 20;
    const AT_ONCE: usize = 8;
    let user = fixture.api.new_user("UTC").await?;
    let host = fixture.system.host()?.running_pid()?;
    let before = peak_memory(host)?;
    let mut body = serde_json::to_vec(&json!({"title": "x"}))?;
    body.resize(LENGTH, b' ');
    let posts = (0..AT_ONCE).map(async |_| post(&user, "/api/tasks", &body).send().await);
    // A client that is still sending may see a closed connection instead of the response.
    for response in join_all(posts).await.into_iter().flatten() {
        response.problem(413)?;
    }
    let grown = peak_memory(host)?.saturating_sub(before);
    ensure!(
        grown < LENGTH * AT_ONCE / 4,
        "the host used {} MiB more memory",
        grown >> 20
    );
    let ok = post(&user, "/api/tasks", br#"{"title":"Still serving"}"#);
    ok.send().await?.expect(201)?;
    Ok(())
}

/// The largest resident set that a process ever had, in bytes.
fn peak_memory(pid: i32) -> Result<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("/proc shows no VmHWM")?;
    let kilobytes: usize = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes << 10)
}
