//! One user cannot slow down another: requests are charged whatever becomes of them, few of one user run at once, and slow clients
//! are given up.

mod slow_bodies;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::{join_all, try_join_all};
use serde_json::json;
use tests::client::{Api, PASSWORD, RequestBuilder, Requests, Response, User, text};
use tests::fixture::Fixture;
use tests::settings::start_with_settings;
use tests::wait;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// The quota of a day. It is so large that the attack does not reach it.
const QUOTA: i64 = 20_000;
const RENAMES: usize = 90;
/// The requests of one user that may be at work at once.
const SLOTS: i32 = 8;
/// The time in which others must be served during the attack. Without the limits it was 10 s.
const SERVED_WITHIN: Duration = Duration::from_secs(2);

pub async fn a_hostile_user(_: &mut Fixture) -> Result<()> {
    let (quota, slots) = (format!("{QUOTA}/86400"), SLOTS.to_string());
    let settings = [
        ("RATE_WRITE", quota.as_str()),
        ("RATE_READ", quota.as_str()),
        ("REQUESTS_AT_ONCE", slots.as_str()),
    ];
    let (system, api, _folder) = start_with_settings(&settings).await?;
    let (database, connection) = tokio_postgres::connect(&system.database_url(), NoTls).await?;
    tokio::spawn(connection);
    let (slow, renames) = tokio::join!(slow_bodies::are_cut_off(&api), many_renames_at_once(&api));
    let charges = every_answer_is_charged(&api, &database).await;
    system.stop().await;
    let failed: Vec<_> = [slow, renames, charges]
        .into_iter()
        .filter_map(Result::err)
        .map(|error| format!("{error:#}"))
        .collect();
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

async fn many_renames_at_once(api: &Api) -> Result<()> {
    let (hostile, other) = (api.new_user("UTC").await?, api.new_user("UTC").await?);
    let description = "x".repeat(20_000);
    let operation = json!({"op": "create", "task": {"title": "Heavy", "description": description, "tags": ["a"]}});
    for _ in 0..5 {
        let batch = json!({"operations": vec![&operation; 40]});
        let request = hostile.post("/api/tasks/batch").json(&batch);
        request.send().await?.expect(200)?;
    }
    let rename = async |turn: usize| {
        let (from, to) = if turn.is_multiple_of(2) {
            ("a", "b")
        } else {
            ("b", "a")
        };
        let request = hostile.patch(&format!("/api/tags/{from}"));
        request.json(&json!({"name": to})).send().await
    };
    let attack = try_join_all((0..RENAMES).map(rename));
    let others = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..10 {
            for path in ["/api/auth/me", "/readyz"] {
                let started = Instant::now();
                other.get(path).send().await?.expect(200)?;
                slowest = slowest.max(started.elapsed());
            }
        }
        anyhow::Ok(slowest)
    };
    let (renames, slowest) = tokio::join!(attack, others);
    let (renames, slowest) = (renames?, slowest?);
    ensure!(slowest < SERVED_WITHIN, "another user waited {slowest:?}");
    let count = |status: u16| {
        renames
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    ensure!(
        count(200) + count(202) > 0 && count(429) >= RENAMES / 2,
        "{} renames succeeded and {} were refused",
        count(200) + count(202),
        count(429)
    );
    ensure!(
        renames.iter().all(|answer| left(answer).is_ok()),
        "a rename was not charged"
    );
    let refused = renames.into_iter().find(|answer| answer.status == 429);
    let refused = refused.context("no rename was refused")?;
    ensure!(refused.header("retry-after").is_some(), "{refused:?}");
    let problem = refused.problem(429)?;
    ensure!(problem["type"] == "urn:spindle:problems/busy", "{problem}");
    Ok(())
}

/// What is left of the quota, from the header `RateLimit`.
fn left(response: &Response) -> Result<i64> {
    let limit = response
        .header("ratelimit")
        .with_context(|| format!("no RateLimit in {response:?}"))?;
    let rest = limit.split("r=").nth(1).context("no r")?;
    Ok(rest.split(';').next().context("no r")?.parse()?)
}

/// Requests that fail cost as much as others, and changes of many tasks cost more.
async fn every_answer_is_charged(api: &Api, database: &Client) -> Result<()> {
    let user = api.new_user("UTC").await?;
    let task = json!({"title": "x", "tags": ["a", "b"], "due": {"date": "2026-03-01"}});
    let task = user.create(task).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let unknown = format!("/api/tasks/{}", Uuid::new_v4());
    let part_of_a_due = json!({"due": {"timezone": "Europe/Berlin"}});
    let create = || user.post("/api/tasks");
    let json_type = || create().header("content-type", "application/json");
    let rename = |from: &str| {
        let request = user.patch(&format!("/api/tags/{from}"));
        request.json(&json!({"name": "c"}))
    };
    database
        .batch_execute(include_str!("../../sql/refuse_a_title.sql"))
        .await?;
    for (request, status, cost) in [
        (
            create().json(&json!({"id": task["id"], "title": "x"})),
            409,
            1,
        ),
        (create().json(&json!({"title": ""})), 422, 1),
        (create().json(&json!({"title": "broken"})), 500, 1),
        (
            create().json(&json!({"title": "x".repeat(300_000)})),
            413,
            1,
        ),
        (create().body(b"{}".to_vec()), 415, 1),
        (json_type().body(b"{".to_vec()), 400, 1),
        (user.patch(&unknown).json(&part_of_a_due), 404, 1),
        (
            user.patch(&path).if_match(7).json(&json!({"title": "y"})),
            412,
            1,
        ),
        (user.post(&format!("{path}/complete?x=1")), 422, 1),
        (user.post("/api/nothing"), 404, 1),
        (user.post(&path), 405, 1),
        (rename("none"), 404, 20),
        (rename("a"), 200, 21),
        (
            user.patch("/api/auth/me")
                .json(&json!({"timezone": "Asia/Tokyo"})),
            200,
            2,
        ),
        (
            user.post("/api/auth/password").json(
                &json!({"current_password": "not the password", "new_password": "another horse"}),
            ),
            422,
            1,
        ),
        (delete_account(&user, "not the password"), 422, 1),
        (user.delete("/api/auth/me"), 415, 1),
        (user.get("/api/auth/me?x=1"), 422, 1),
        (user.get("/api/tasks?limit=0"), 422, 1),
        (user.get("/api/tasks/no-id"), 404, 1),
        (user.get("/api/nothing"), 404, 1),
    ] {
        database
            .batch_execute(include_str!("../../sql/forget_charges.sql"))
            .await?;
        let answer = request.send().await?.expect(status)?;
        let charge = QUOTA - left(&answer)?;
        ensure!(charge == cost, "{charge} was charged for {answer:?}");
    }
    database
        .batch_execute(include_str!("../../sql/accept_every_title.sql"))
        .await?;
    a_wait_for_a_lock_is_charged(&user, database).await?;
    a_deletion_costs_its_tasks(api, database).await
}

fn delete_account(user: &User, password: &str) -> RequestBuilder {
    let body = json!({ "password": password });
    user.delete("/api/auth/me").json(&body)
}

/// The deletion of an account is a write of all its tasks, tombstones included, and works in one of the caller's slots.
async fn a_deletion_costs_its_tasks(api: &Api, database: &Client) -> Result<()> {
    let user = api.new_user("UTC").await?;
    for title in ["One", "Two", "Three"] {
        let task = user.create(json!({ "title": title })).await?;
        if title == "One" {
            let path = format!("/api/tasks/{}", text(&task, "id")?);
            user.delete(&path).send().await?.expect(204)?;
        }
    }
    let delete = async || {
        let forget = include_str!("../../sql/forget_charges.sql");
        database.batch_execute(forget).await?;
        let answer = delete_account(&user, PASSWORD).send().await?;
        let charge = QUOTA - left(&answer)?;
        ensure!(charge == 4, "{charge} was charged for {answer:?}");
        Ok(answer)
    };
    let take = include_str!("../../sql/take_slots.sql");
    database
        .execute(take, &[&user.id.to_string(), &SLOTS])
        .await?;
    let busy = delete().await;
    let release = include_str!("../../sql/release_slots.sql");
    database.execute(release, &[]).await?;
    let problem = busy?.problem(429)?;
    ensure!(problem["type"] == "urn:spindle:problems/busy", "{problem}");
    delete().await?.expect(204)?;
    Ok(())
}

/// Statements do not wait for a lock as long as they may run, because each holds a connection.
async fn a_wait_for_a_lock_is_charged(user: &User, database: &Client) -> Result<()> {
    database.batch_execute("begin").await?;
    database
        .query(include_str!("../../sql/lock_user.sql"), &[&user.id])
        .await?;
    let started = Instant::now();
    let request = user.post("/api/tasks").json(&json!({"title": "waits"}));
    let answer = request.send().await?;
    let waited = started.elapsed();
    database.batch_execute("rollback").await?;
    ensure!(waited < Duration::from_secs(8), "a write waited {waited:?}");
    left(&answer)?;
    ensure!(answer.header("retry-after").is_some(), "{answer:?}");
    answer.problem(503)?;
    Ok(())
}

/// Requests that waited for the lock of their rate limit are compared with the time at which they got it.
pub async fn a_wait_for_the_rate_limit(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    user.get("/api/auth/me").send().await?.expect(200)?;
    let key = format!("read/{}", user.id);
    let lock = fixture.database.transaction().await?;
    let charge = include_str!("../../sql/charge_rate_limit.sql");
    lock.execute(charge, &[&key]).await?;
    let reads = join_all((0..8).map(|_| user.get("/api/auth/me").send()));
    let later = async {
        // Longer than the second of the quota.
        wait::during(Duration::from_millis(1500)).await;
        lock.execute(charge, &[&key]).await?;
        anyhow::Ok(lock.commit().await?)
    };
    let (reads, later) = tokio::join!(reads, later);
    later?;
    for read in reads {
        read?.expect(200)?;
    }
    Ok(())
}

/// A read that waits or works does not hold up the user's other reads.
pub async fn reads_run_in_parallel(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let lock = fixture.database.transaction().await?;
    lock.batch_execute(include_str!("../../sql/lock_tasks.sql"))
        .await?;
    let waits = user.get("/api/tags").send();
    let other = async {
        let what = "a read waits for the tasks";
        wait::until(what, Duration::from_secs(2), async || {
            let waiting = include_str!("../../sql/waiting_statements.sql");
            let count: i64 = lock.query_one(waiting, &[]).await?.get(0);
            Ok((count > 0).then_some(()))
        })
        .await?;
        let read = user.get("/api/auth/me").send().await;
        lock.rollback().await?;
        read
    };
    let (waited, other) = tokio::join!(waits, other);
    other?.expect(200)?;
    // It would have failed after `lock_timeout` if the other read had waited for it.
    waited?.expect(200)?;
    Ok(())
}
