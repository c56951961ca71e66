//! The agent `recurring` on the real road: one request for a frame, each occurrence once, lost events, an API that is away or refuses.

pub mod cron;
pub mod schedule;
pub mod storm;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{Api, Requests, User, text};
use tests::fixture::Fixture;
use tests::settings::start_with_settings;
use tests::{golden, tokens, wait};
use tokio_postgres::Client;

const LIMIT: Duration = Duration::from_secs(60);

/// Creates so many recurring tasks with one batch.
async fn recurring_tasks(user: &User, count: usize) -> Result<Vec<Value>> {
    let create = |number: usize| {
        let task = json!({
            "title": format!("Task {number}"), "due": {"date": "2026-03-01"}, "recurrence": {"rule": "FREQ=DAILY"},
        });
        json!({"op": "create", "task": task})
    };
    let results = batch(user, (0..count).map(create).collect()).await?;
    results
        .iter()
        .map(|result| result.get("task").cloned().context("no task"))
        .collect()
}

async fn complete_all(user: &User, tasks: &[Value]) -> Result<()> {
    let complete = |task: &Value| json!({"op": "complete", "id": task["id"]});
    batch(user, tasks.iter().map(complete).collect()).await?;
    Ok(())
}

/// Runs a batch and returns its results, all of which are successes. Repeats it while the API is away.
pub async fn batch(user: &User, operations: Vec<Value>) -> Result<Vec<Value>> {
    let body = json!({ "operations": operations });
    let key = uuid::Uuid::new_v4().to_string();
    let done = wait::until("the batch", LIMIT, async || {
        let request = user.post("/api/tasks/batch").key(&key).json(&body);
        request.send().await?.expect(200)?.json().map(Some)
    })
    .await?;
    let results = done["results"].as_array().context("no results")?.clone();
    for result in &results {
        let status = result["status"].as_u64().unwrap_or_default();
        ensure!((200..300).contains(&status), "{result}");
    }
    Ok(results)
}

/// Waits until each of the user's series has so many tasks, of which one is open.
async fn occurrences_exist(database: &Client, user: &User, series: i64, each: i64) -> Result<()> {
    let sql = include_str!("../../sql/occurrences_of_user.sql");
    let what = format!("{series} series with {each} tasks each");
    wait::until(&what, LIMIT, async || {
        let row = database.query_one(sql, &[&user.id]).await?;
        let found: (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        let expected = (series, series * each, series);
        if found == expected {
            return Ok(Some(()));
        }
        anyhow::bail!("{found:?}")
    })
    .await
}

/// The user's events that the agent caused.
async fn caused_by_agent(database: &Client, user: &User) -> Result<Vec<Value>> {
    let sql = include_str!("../../sql/user_events.sql");
    let rows = database.query(sql, &[&user.id]).await?;
    let mut events = Vec::new();
    for row in rows {
        let event: Value = serde_json::from_str(row.get(0))?;
        if event["data"]["actor"] == json!({"type": "agent", "id": "recurring"}) {
            let golden = golden::newest(&text(&event, "type")?)?;
            golden::check_shape(&golden, &event).with_context(|| event.to_string())?;
            events.push(event);
        }
    }
    Ok(events)
}

/// Waits until `/readyz` of a bridge contains this text.
async fn bridge_says(bridge: &str, expected: &str) -> Result<()> {
    let bridge = Api::new(bridge)?;
    wait::until(
        &format!("the bridge says {expected:?}"),
        LIMIT,
        async || {
            let body = bridge.get("/readyz").send().await?.body;
            Ok(String::from_utf8_lossy(&body)
                .contains(expected)
                .then_some(()))
        },
    )
    .await
}

/// Completions that wait in the log are a few frames, and each frame is one request to the API. What the agent causes names the event
/// that led to it.
pub async fn one_request_for_a_frame(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let tasks = recurring_tasks(&user, 64).await?;
    fixture.bridge()?.terminate().await;
    complete_all(&user, &tasks).await?;
    fixture.bridge()?.start().await?;
    occurrences_exist(&fixture.database, &user, 64, 2).await?;
    let users = [user];
    Checker::new(&fixture.database, &users)
        .wait_for_delivery()
        .await?;
    let [user] = &users;
    let events = caused_by_agent(&fixture.database, user).await?;
    ensure!(
        events.len() == 64 && events.iter().all(|event| event["type"] == "task.created"),
        "{events:?}"
    );
    let members = |name: &str| -> BTreeSet<String> {
        events.iter().map(|event| event[name].to_string()).collect()
    };
    let requests = members("correlationid");
    ensure!(requests.len() <= 4, "{} requests", requests.len());
    ensure!(
        members("causationid").len() == 64 && !members("causationid").contains("null"),
        "not one cause for each: {events:?}"
    );
    Ok(())
}

/// The events of completed tasks are lost. The first tick after the start of the bridge finds the series.
pub async fn lost_events(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let tasks = recurring_tasks(&user, 100).await?;
    fixture.bridge()?.terminate().await;
    complete_all(&user, &tasks).await?;
    let lost = fixture
        .database
        .execute(include_str!("../../sql/lose_completions.sql"), &[&user.id])
        .await?;
    ensure!(lost == 100, "{lost} events were lost");
    fixture
        .database
        .execute(
            include_str!("../../sql/look_for_occurrences.sql"),
            &[&user.id],
        )
        .await?;
    fixture.bridge()?.start().await?;
    occurrences_exist(&fixture.database, &user, 100, 2).await
}

/// The API does not answer the agent, and then it does. Nothing is blamed on the events.
pub async fn an_api_that_does_not_answer(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let tasks = recurring_tasks(&user, 3).await?;
    let api = fixture.system.link("functions", "functions")?;
    let bridge = fixture.system.bridge_url(0)?;
    api.fall_silent();
    complete_all(&user, &tasks).await?;
    let said = bridge_says(&bridge, "unreachable: the API cannot be reached").await;
    api.recover();
    said?;
    occurrences_exist(&fixture.database, &user, 3, 2).await
}

/// An agent whose key the API does not know is sick. Its events wait.
pub async fn a_wrong_service_key(fixture: &mut Fixture) -> Result<()> {
    // The agents of this system call the API of the other one, which has other keys.
    let other = fixture.system.api_url();
    let (system, api, _folder) = start_with_settings(&[("API_URL", &other)]).await?;
    let user = api.new_user("UTC").await?;
    let tasks = recurring_tasks(&user, 3).await?;
    complete_all(&user, &tasks).await?;
    let bridge = system.bridge_url(0)?;
    bridge_says(&bridge, "http-401: the API answered 401").await?;
    let metrics = Api::new(&bridge)?.get("/metrics").send().await?.body;
    let metrics = String::from_utf8(metrics)?;
    let letters = metrics
        .lines()
        .filter(|line| line.contains("dead_letters_total{") && !line.ends_with(" 0"));
    let letters: Vec<_> = letters.collect();
    ensure!(letters.is_empty(), "{letters:?}");
    system.stop().await;
    Ok(())
}

/// Only a service token opens the operations of agents.
pub async fn service_tokens(fixture: &mut Fixture) -> Result<()> {
    let (service, token) = (fixture.system.service_keys(), fixture.system.token_keys());
    let body = json!({"limit": 1});
    let claim = async |token: &str| {
        let request = fixture.api.post("/api/occurrences/claim").json(&body);
        request.bearer(token).send().await
    };
    claim(&tokens::service(service)?).await?.expect(200)?;
    for (fault, token) in tokens::forged_service(service, token)? {
        let problem = claim(&token).await?.problem(401);
        problem.with_context(|| format!("a token {fault}"))?;
    }
    let user = fixture.api.new_user("UTC").await?;
    claim(&user.token).await?.problem(403)?;
    Ok(())
}
