//! What an Idempotency-Key stands for: one request of one caller, with its answer.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{Requests, Response, User, text};
use tests::fixture::Fixture;
use uuid::Uuid;

use crate::plans::{buffers_of, own_database};

fn is_replay(response: &Response) -> bool {
    response.header("idempotency-replayed") == Some("true")
}

/// A service has keys of its own for each user it acts for. Otherwise it would get the answer to a request of the user.
pub async fn keys_of_a_service(fixture: &mut Fixture) -> Result<()> {
    let (service, user) = (
        fixture.user_with_role("service").await?,
        fixture.api.new_user("UTC").await?,
    );
    let (key, body) = (Uuid::new_v4().to_string(), json!({"title": "Once"}));
    let own = user.post("/api/tasks").key(&key).json(&body).send().await?;
    let own = text(&own.expect(201)?.json()?, "id")?;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request = service.post("/api/tasks").key(&key).json(&body);
        let request = request.header("x-on-behalf-of", &user.id.to_string());
        ids.push(text(&request.send().await?.expect(201)?.json()?, "id")?);
    }
    ensure!(ids[0] != own, "the service got the answer of the user");
    ensure!(ids[0] == ids[1], "the service's own retry was not replayed");
    Ok(())
}

/// The answer is kept when the request is refused, too. So one key never stands for two requests.
pub async fn refusals_are_kept(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "One"})).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let unknown = format!("/api/tasks/{}", Uuid::now_v7());
    let taken = json!({"title": "Taken", "id": text(&task, "id")?});
    for (name, path, body, version, status) in [
        ("a taken id", "/api/tasks".to_owned(), taken, None, 409),
        (
            "complete nothing",
            format!("{unknown}/complete"),
            json!({}),
            None,
            404,
        ),
        (
            "restore nothing",
            format!("{unknown}/restore"),
            json!({}),
            None,
            404,
        ),
        (
            "complete a stale version",
            format!("{path}/complete"),
            json!({}),
            Some(9),
            412,
        ),
        (
            "restore a stale version",
            format!("{path}/restore"),
            json!({}),
            Some(9),
            412,
        ),
    ] {
        let key = Uuid::new_v4().to_string();
        let send = async || {
            let request = user.post(&path).key(&key).json(&body);
            let request = match version {
                Some(version) => request.if_match(version),
                None => request,
            };
            request.send().await
        };
        let (first, again) = (send().await?, send().await?);
        ensure!(!is_replay(&first) && is_replay(&again), "{name}: {again:?}");
        ensure!(
            first.header("etag") == again.header("etag"),
            "{name}: {again:?}"
        );
        first.problem(status)?;
        again.problem(status)?;
        let other = user.post("/api/tasks").key(&key);
        let other = other.json(&json!({"title": "Another"})).send().await?;
        other.problem(422)?;
    }
    ensure!(
        user.pages("/api/tasks").await?.len() == 1,
        "a refused key made a task"
    );
    Ok(())
}

async fn post(user: &User, key: &str, body: &str) -> Result<Response> {
    let request = user.post("/api/tasks").key(key);
    let request = request.header("content-type", "application/json");
    request.body(body.as_bytes().to_vec()).send().await
}

/// Two bodies with the same JSON value are one request, however they are written.
pub async fn equal_values_are_one_request(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let key = Uuid::new_v4().to_string();
    let mut ids = Vec::<Value>::new();
    for body in [
        r#"{"title":"Café","tags":["a","b"],"due":{"date":"2026-03-01"}}"#,
        r#"{ "due": {"date": "2026-03-01"}, "tags": ["a", "b"], "title": "Caf\u00e9" }"#,
    ] {
        let response = post(&user, &key, body).await?;
        ids.push(response.expect(201)?.json()?["id"].clone());
    }
    ensure!(ids[0] == ids[1], "the same value made two tasks");
    let swapped = r#"{"title":"Café","tags":["b","a"],"due":{"date":"2026-03-01"}}"#;
    post(&user, &key, swapped).await?.problem(422)?;
    Ok(())
}

/// A write with a key costs the same, however many answers are kept.
pub async fn kept_answers_cost_nothing(_: &mut Fixture) -> Result<()> {
    const LIMIT: i64 = 50;
    let database = &own_database().await?;
    let insert = include_str!("../../sql/insert_many_answers.sql");
    database.execute(insert, &[]).await?;
    let mut read = Vec::new();
    // After five executions, Postgres may choose a plan for any parameter.
    for key in 0..8 {
        let statement = include_str!("../../sql/keep_answer_buffers.sql");
        let row = database.query_one(statement, &[&format!("k{key}")]).await?;
        read.push(buffers_of(&row.get(0))?);
    }
    // The first one reads the catalog.
    let most = read.iter().skip(1).max().context("no plan")?;
    ensure!(*most <= LIMIT, "{read:?} buffers instead of {LIMIT}");
    Ok(())
}
