//! Headers that nobody honest sends, and bodies that have no end.

use anyhow::{Context, Result, ensure};
use futures::future::join_all;
use serde_json::json;
use tests::stage::World;

use super::{Refusals, post};

pub async fn header_abuse(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let body = br#"{"title":"x"}"#;
    let long = "x".repeat(4000);
    let mut refusals = Refusals::start(world).await?;
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
        let call = post(&person, "/api/tasks", body).header(name, value);
        let shown = format!("{name}: {value:.20}");
        refusals.refuse(&shown, &[400, 401, 403, 415], call).await;
    }
    refusals.end().await?;

    // What only describes the request is left out where it makes no sense, and the request goes through.
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
        ("content-encoding", "gzip"),
        ("expect", "nothing"),
        ("x-http-method-override", "DELETE"),
    ] {
        let call = post(&person, "/api/tasks", body).header(name, value);
        let answer = call.send().await.with_context(|| name.to_owned())?;
        ensure!(answer.status == 201, "{name}: {value:.20}: {answer:?}");
        let echoed = answer
            .header("x-correlation-id")
            .context("no correlation id")?;
        ensure!((1..=128).contains(&echoed.len()), "{name}: {echoed}");
    }
    let many = (0..90).fold(post(&person, "/api/tasks", body), |call, n| {
        call.header(&format!("x-many-{n}"), "y")
    });
    many.send().await?.expect(201)?;
    Ok(())
}

/// A body beyond its limit is read on for courtesy and let go; it never lies in memory as a whole.
pub async fn bodies_without_end(world: &mut World) -> Result<()> {
    const LENGTH: usize = 48 << 20;
    const AT_ONCE: usize = 8;
    let person = world.api.newcomer("UTC").await?;
    let host = world.system.host()?.running_pid()?;
    let before = resident(host)?;
    let mut body = serde_json::to_vec(&json!({"title": "x"}))?;
    body.resize(LENGTH, b' ');
    let posts = (0..AT_ONCE).map(async |_| post(&person, "/api/tasks", &body).send().await);
    // Whoever goes on sending may find the connection closed before the answer.
    for answer in join_all(posts).await.into_iter().flatten() {
        answer.problem(413)?;
    }
    let grown = resident(host)?.saturating_sub(before);
    ensure!(
        grown < LENGTH * AT_ONCE / 4,
        "the host has {} MiB more",
        grown >> 20
    );
    let ok = post(&person, "/api/tasks", br#"{"title":"Still serving"}"#);
    ok.send().await?.expect(201)?;
    Ok(())
}

/// The most memory that a process ever had, in bytes.
fn resident(pid: i32) -> Result<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM in /proc")?;
    let kilobytes: usize = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes << 10)
}
