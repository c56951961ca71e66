//! Jobs: changes of more tasks than one statement makes.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{PASSWORD, Requests, Response, User, number};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;

/// Enough tasks to kill a bridge while their job runs.
const TASKS: i64 = 1_800;
/// More than one step changes; see `begin_job`.
const TASKS_OF_TWO_STEPS: i64 = 600;

async fn user_with_many_tasks(fixture: &Fixture) -> Result<User> {
    user_with_tasks(fixture, TASKS).await
}

async fn user_with_tasks(fixture: &Fixture, tasks: i64) -> Result<User> {
    let user = fixture.api.new_user("UTC").await?;
    let insert = include_str!("../../sql/insert_tasks_of.sql");
    let database = &fixture.database;
    database.execute(insert, &[&user.id, &tasks]).await?;
    Ok(user)
}

/// Expects a 202, waits until its job has ended, and checks that the job has handled [`TASKS`] tasks. Returns the body of the 202.
async fn job_ended(user: &User, response: Response) -> Result<Value> {
    job_of(user, TASKS, response).await
}

async fn job_of(user: &User, tasks: i64, response: Response) -> Result<Value> {
    let response = response.expect(202)?;
    let job = response
        .header("location")
        .context("no Location")?
        .to_owned();
    let job = wait::until("the job ends", DELIVERY_LIMIT, async || {
        let job = user.get(&job).send().await?.expect(200)?.json()?;
        Ok((job["state"] == "ended").then_some(job))
    })
    .await?;
    ensure!(
        number(&job, "handled")? == tasks && number(&job, "total")? == tasks,
        "{job}"
    );
    response.json()
}

/// Each task has changed once, and its event is on the trail.
async fn each_task_has_an_event(fixture: &Fixture, user: &User, kind: &str) -> Result<()> {
    let sql = include_str!("../../sql/events_of_user.sql");
    wait::until("every event is on the trail", DELIVERY_LIMIT, async || {
        let row = fixture.database.query_one(sql, &[&user.id, &kind]).await?;
        let (events, tasks): (i64, i64) = (row.get(0), row.get(1));
        ensure!(events <= TASKS, "{events} events");
        Ok((tasks == TASKS).then_some(()))
    })
    .await
}

/// The bridge that runs the job is killed in the middle, and the next one goes on.
pub async fn a_tag_of_many_tasks_is_renamed(fixture: &mut Fixture) -> Result<()> {
    let user = user_with_many_tasks(fixture).await?;
    fixture.bridge()?.kill9().await;
    let rename = user
        .patch("/api/tags/many")
        .json(&json!({"name": "renamed"}));
    let response = rename.send().await?;
    fixture.bridge()?.start().await?;
    let body = job_ended(&user, response).await?;
    ensure!(body["tag"] == "renamed", "{body}");
    let tags = user.pages("/api/tags").await?;
    let expected = json!([{"tag": "other", "count": TASKS}, {"tag": "renamed", "count": TASKS}]);
    ensure!(json!(tags) == expected, "{tags:?}");
    each_task_has_an_event(fixture, &user, "task.updated").await
}

/// A tag is renamed, and renamed back before the first job has ended. Each job does its work once, in the order of the requests.
pub async fn jobs_of_a_user_run_in_order(fixture: &mut Fixture) -> Result<()> {
    let user = user_with_tasks(fixture, TASKS_OF_TWO_STEPS).await?;
    fixture.bridge()?.kill9().await;
    let mut responses = Vec::new();
    for (tag, name) in [
        ("many", "renamed"),
        ("renamed", "many"),
        ("other", "next"),
        ("next", "last"),
    ] {
        let rename = user.patch(&format!("/api/tags/{tag}"));
        responses.push(rename.json(&json!({ "name": name })).send().await?);
    }
    fixture.bridge()?.start().await?;
    for response in responses.into_iter().rev() {
        let job = response.expect(202)?;
        let job = job.header("location").context("no Location")?.to_owned();
        wait::until("the job ends", DELIVERY_LIMIT, async || {
            let job = user.get(&job).send().await?.expect(200)?.json()?;
            Ok((job["state"] == "ended").then_some(()))
        })
        .await?;
    }
    let tags = user.pages("/api/tags").await?;
    let expected = json!([
        {"tag": "last", "count": TASKS_OF_TWO_STEPS},
        {"tag": "many", "count": TASKS_OF_TWO_STEPS},
    ]);
    ensure!(json!(tags) == expected, "{tags:?}");
    let versions = user.pages("/api/tasks?sort=updated_at").await?;
    let versions: BTreeSet<i64> = versions
        .iter()
        .map(|task| number(task, "version"))
        .collect::<Result<_>>()?;
    ensure!(versions == BTreeSet::from([5]), "versions {versions:?}");
    Ok(())
}

/// The request changes large tasks for a short time, and a job changes the others.
pub async fn large_tasks_need_a_job(fixture: &mut Fixture) -> Result<()> {
    const LARGE: i64 = 60;
    let user = fixture.api.new_user("UTC").await?;
    let insert = include_str!("../../sql/insert_large_tasks.sql");
    let database = &fixture.database;
    database.execute(insert, &[&user.id, &LARGE]).await?;
    let rename = user.patch("/api/tags/large").json(&json!({"name": "big"}));
    let body = job_of(&user, LARGE, rename.send().await?).await?;
    let renamed = number(&body, "count")?;
    ensure!((1..LARGE).contains(&renamed), "{body}");
    let tags = user.pages("/api/tags").await?;
    ensure!(
        json!(tags) == json!([{"tag": "big", "count": LARGE}]),
        "{tags:?}"
    );
    Ok(())
}

pub async fn due_dates_of_many_tasks_move(fixture: &mut Fixture) -> Result<()> {
    let user = user_with_many_tasks(fixture).await?;
    let change = async |zone: &str| {
        let patch = user.patch("/api/auth/me");
        patch.json(&json!({ "timezone": zone })).send().await
    };
    let me = job_ended(&user, change("Asia/Tokyo").await?).await?;
    ensure!(me["timezone"] == "Asia/Tokyo", "{me}");
    let moved = "due_before=2026-03-01T15:00:00Z&due_after=2026-03-01T14:59:59Z&limit=1";
    let moved = user
        .get(&format!("/api/tasks?{moved}"))
        .send()
        .await?
        .expect(200)?;
    ensure!(moved.json()?["items"][0]["due_at"].is_string(), "{moved:?}");
    each_task_has_an_event(fixture, &user, "task.updated").await
}

/// Many tasks are no reason for a job if the change touches none of them.
pub async fn tasks_without_due_dates_need_no_job(fixture: &mut Fixture) -> Result<()> {
    let user = user_with_many_tasks(fixture).await?;
    let remove = include_str!("../../sql/remove_due_dates.sql");
    fixture.database.execute(remove, &[&user.id]).await?;
    let patch = user.patch("/api/auth/me");
    let patch = patch.json(&json!({"timezone": "Asia/Tokyo"}));
    patch.send().await?.expect(200)?;
    Ok(())
}

/// The account is gone at once, and a job removes its tasks.
pub async fn an_account_with_many_tasks_is_deleted(fixture: &mut Fixture) -> Result<()> {
    let user = user_with_many_tasks(fixture).await?;
    let delete = user
        .delete("/api/auth/me")
        .json(&json!({"password": PASSWORD}));
    delete.send().await?.expect(204)?;
    user.get("/api/tasks").send().await?.problem(401)?;
    each_task_has_an_event(fixture, &user, "task.deleted").await
}
