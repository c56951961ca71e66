//! Numbers of tasks with a tag, of a user who has so many tasks that they are kept: they follow every write.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{PASSWORD, Requests, Response, User, number, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;

/// Counts are kept of tags that more than 1,000 tasks have.
const TASKS: i64 = 1_800;

/// Compares the list of tags with the tasks.
async fn expect_counts(user: &User, after: &str) -> Result<()> {
    let mut expected = BTreeMap::new();
    for task in user.pages("/api/tasks?limit=200").await? {
        for tag in task["tags"].as_array().context("tags")? {
            *expected.entry(tag.as_str().map(str::to_owned)).or_insert(0) += 1;
        }
    }
    let mut found = BTreeMap::new();
    for item in user.pages("/api/tags?limit=3").await? {
        found.insert(Some(text(&item, "tag")?), number(&item, "count")?);
    }
    ensure!(
        found == expected,
        "after {after}: {found:?} instead of {expected:?}"
    );
    Ok(())
}

/// Waits for a job, if the response names one.
async fn done(user: &User, response: Response) -> Result<()> {
    let Some(job) = response.header("location").map(str::to_owned) else {
        ensure!(response.status.is_success(), "status {}", response.status);
        return Ok(());
    };
    wait::until("the job ends", DELIVERY_LIMIT, async || {
        let job = user.get(&job).send().await?.expect(200)?.json()?;
        Ok((job["state"] == "ended").then_some(()))
    })
    .await
}

pub async fn counts_follow_every_write(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let database = &fixture.database;
    let insert = include_str!("../../sql/insert_tasks_of.sql");
    let rows = include_str!("../../sql/tag_count_rows.sql");
    database.execute(insert, &[&user.id, &TASKS]).await?;
    let old = include_str!("../../sql/insert_old_task.sql");
    expect_counts(&user, "many tasks").await?;
    let kept: i64 = database.query_one(rows, &[&user.id]).await?.get(0);
    ensure!(kept == 2, "{kept} counts are kept of {TASKS} tasks");

    user.create(json!({"title": "new", "tags": ["many", "fresh"]}))
        .await?;
    expect_counts(&user, "a create").await?;
    database.execute(old, &[&user.id]).await?;
    expect_counts(&user, "a create in the past").await?;

    let counted = user.pages("/api/tasks?q=Task&sort=title").await?;
    let path = |place: usize| -> Result<String> {
        Ok(format!("/api/tasks/{}", text(&counted[place], "id")?))
    };
    for (place, tags) in [(0, json!(["other", "MORE", "many"])), (1, json!([]))] {
        let patch = user.patch(&path(place)?).json(&json!({ "tags": tags }));
        patch.send().await?.expect(200)?;
        expect_counts(&user, &format!("a change to {tags}")).await?;
    }
    for (tags, what) in [(2, "deleted"), (0, "deleted, too")] {
        user.delete(&path(tags)?).send().await?.expect(204)?;
        expect_counts(&user, what).await?;
    }
    let restore = user.post(&format!("{}/restore", path(0)?));
    restore.send().await?.expect(200)?;
    expect_counts(&user, "a restore").await?;
    let operations = json!({"operations": [
        {"op": "create", "task": {"title": "b", "tags": ["batch", "many"]}},
        {"op": "delete", "id": counted[3]["id"]},
        {"op": "update", "id": counted[4]["id"], "fields": {"tags": ["batch"]}},
    ]});
    let batch = user.post("/api/tasks/batch").json(&operations);
    batch.send().await?.expect(200)?;
    expect_counts(&user, "a batch").await?;

    let rename = user.patch("/api/tags/many").json(&json!({"name": "other"}));
    done(&user, rename.send().await?).await?;
    expect_counts(&user, "a merge").await?;
    let rename = user
        .patch("/api/tags/other")
        .json(&json!({"name": "Other"}));
    done(&user, rename.send().await?).await?;
    expect_counts(&user, "another spelling").await?;
    database.execute(insert, &[&user.id, &TASKS]).await?;
    let remove = user.delete("/api/tags/many").send().await?;
    done(&user, remove).await?;
    let names: Vec<Value> = user.pages("/api/tags").await?;
    ensure!(
        !names.iter().any(|item| item["tag"] == "many"),
        "a removed tag is listed: {names:?}"
    );

    let password = json!({"password": PASSWORD});
    let delete = user.delete("/api/auth/me").json(&password);
    delete.send().await?.expect(204)?;
    wait::until("no count is left", DELIVERY_LIMIT, async || {
        let kept: i64 = database.query_one(rows, &[&user.id]).await?.get(0);
        Ok((kept == 0).then_some(()))
    })
    .await
}
