//! `GET /api/sync`: a client that applies its pages agrees with the server, whatever happens meanwhile.

pub mod batches;
pub mod offline;
pub mod reads;
pub mod series;
mod store;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use futures::future::{join_all, try_join};
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{Requests, User, escape, number, text};
use tests::fixture::Fixture;
use tests::tokens;

use self::store::Store;
use super::reminders::{let_be_due, notified, remind, reminder_of};
use super::series::appears;
use super::tasks::path;

/// A page, without the cursor if it is null.
async fn page(user: &User, cursor: &Value, limit: usize) -> Result<Value> {
    let cursor = cursor.as_str().map(escape).unwrap_or_default();
    let path = format!("/api/sync?limit={limit}&cursor={cursor}");
    user.get(&path).send().await?.expect(200)?.json()
}

/// Applies pages until there is no more.
async fn pull(user: &User, store: &mut Store, limit: usize) -> Result<()> {
    loop {
        let page = page(user, &store.cursor, limit).await?;
        store.apply(&page)?;
        if page["more"] == false {
            return Ok(());
        }
    }
}

/// Every kind of change, each followed by a pull of what has changed. In the end, a second client that begins then knows the same.
pub async fn every_kind_of_change(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let mut store = Store::default();
    pull(&user, &mut store, 1000).await?;
    store.agrees(&user).await?;
    let due = json!({"date": "2090-03-01"});
    let plain = user
        .create(json!({"title": "Plain", "tags": ["home"], "due": due}))
        .await?;
    let series = user
        .create(json!({"title": "Daily", "tags": ["home"], "due": due, "recurrence": {"rule": "FREQ=DAILY"},
            "reminders": [{"before": "PT30M"}, {"on": "due"}]}))
        .await?;
    let once = remind(&user, json!([{"on": "due"}])).await?;
    store.follows(&user).await?;
    let reminder = reminder_of(&user, &once).await?;
    let_be_due(fixture, &reminder, 0.0).await?;
    notified(&user, 1).await?;
    store.follows(&user).await?;
    let answer = format!("/api/reminders/{}", text(&reminder, "id")?);
    let series_path = format!("/api/series/{}", text(&series, "series_id")?);
    for (path, body) in [
        (format!("{answer}/snooze"), Some(json!({"for": "PT1H"}))),
        (format!("{answer}/ack"), None),
        (
            "/api/notifications/read".to_owned(),
            Some(json!({"ids": null})),
        ),
        (format!("{series_path}/pause"), None),
        (format!("{series_path}/resume"), None),
        (format!("{}/complete", path(&series)?), None),
        (format!("{}/reopen", path(&series)?), None),
        (format!("{}/skip", path(&series)?), None),
    ] {
        let request = user.post(&path);
        let request = body
            .iter()
            .fold(request, |request, body| request.json(body));
        let answer = request.send().await?.expect(200)?.json()?;
        // An occurrence that comes between the two reads of a comparison would look like one that the client misses.
        if answer["next"].is_object() {
            appears(&user, &answer["next"]["id"]).await?;
        }
        store.follows(&user).await.with_context(|| path)?;
    }
    let me = "/api/auth/me".to_owned();
    for (path, body) in [
        (path(&plain)?, json!({"title": "Changed"})),
        (path(&series)?, json!({"recurrence": null})),
        (path(&once)?, json!({"reminders": []})),
        (
            path(&plain)?,
            json!({"reminders": [{"on": "due"}], "recurrence": {"rule": "FREQ=WEEKLY"}}),
        ),
        ("/api/tags/home".to_owned(), json!({"name": "house"})),
        (me.clone(), json!({"name": "Ada"})),
        (me.clone(), json!({"timezone": "Asia/Tokyo"})),
        (
            me,
            json!({"reminders": {"time": "07:00", "defaults": [{"on": "due"}]}}),
        ),
    ] {
        user.patch(&path).json(&body).send().await?.expect(200)?;
        store
            .follows(&user)
            .await
            .with_context(|| format!("{path} {body}"))?;
    }
    user.delete(&path(&plain)?).send().await?.expect(204)?;
    store.follows(&user).await?;
    let restore = format!("{}/restore", path(&plain)?);
    user.post(&restore).send().await?.expect(200)?;
    store.follows(&user).await?;
    let mut other = Store::default();
    pull(&user, &mut other, 3).await?;
    ensure!(
        other.rows == store.rows,
        "a client that begins knows {other:?}, the other one {store:?}"
    );
    Checker::new(&fixture.database, &[user])
        .check_sequence_numbers()
        .await
}

/// A client that begins gets no tombstones from before; one that knows the tasks does.
pub async fn tombstones(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let mut old = Store::default();
    let mut tasks = Vec::new();
    for n in 0..6 {
        tasks.push(user.create(json!({"title": format!("Task {n}")})).await?);
    }
    pull(&user, &mut old, 1000).await?;
    for task in &tasks[..3] {
        user.delete(&path(task)?).send().await?.expect(204)?;
    }
    let delta = page(&user, &old.cursor, 1000).await?;
    let ids: Vec<_> = delta["changes"]
        .as_array()
        .context("no list")?
        .iter()
        .map(|change| change["id"].clone())
        .collect();
    ensure!(
        ids == tasks[..3]
            .iter()
            .map(|task| task["id"].clone())
            .collect::<Vec<_>>(),
        "{delta}"
    );
    for change in delta["changes"].as_array().context("no list")? {
        let names: Vec<_> = change.as_object().context("no object")?.keys().collect();
        ensure!(
            names == ["deleted_at", "id", "seq", "version"] && change["version"] == 2,
            "{change}"
        );
    }
    // What is deleted while a client begins comes as a tombstone.
    let first = page(&user, &Value::Null, 1).await?;
    ensure!(first["changes"] == json!([tasks[3]]), "{first}");
    user.delete(&path(&tasks[3])?).send().await?.expect(204)?;
    let mut new = Store::default();
    new.apply(&first)?;
    pull(&user, &mut new, 1).await?;
    ensure!(
        new.seen == 4,
        "{} changes, of which one is a tombstone",
        new.seen
    );
    new.agrees(&user).await
}

/// Many changes page through without loss or repeat while others write.
pub async fn pages_while_eight_write(fixture: &mut Fixture) -> Result<()> {
    const CHANGES: usize = 10_000;
    let user = fixture.api.new_user("UTC").await?;
    let stop = AtomicBool::new(false);
    let insert = include_str!("../../sql/insert_numbered_tasks.sql");
    let count = i64::try_from(CHANGES)?;
    fixture
        .database
        .execute(insert, &[&user.id, &count])
        .await?;
    let writers = join_all((0..8).map(|writer| write_until(&user, writer, &stop)));
    let reader = async {
        let mut store = Store::default();
        let mut versions = BTreeSet::new();
        // The pages of the first 10,000 rows, and as many more as it takes to see that others write.
        while store.seen < CHANGES + 100 {
            let page = page(&user, &store.cursor, 700).await?;
            for change in page["changes"].as_array().context("no list")? {
                let version = (text(change, "id")?, number(change, "version")?);
                ensure!(versions.insert(version), "{change} came twice");
            }
            store.apply(&page)?;
        }
        stop.store(true, Ordering::Relaxed);
        anyhow::Ok(store)
    };
    let (mut store, written) = try_join(reader, async {
        writers.await.into_iter().sum::<Result<usize>>()
    })
    .await?;
    ensure!(written > 0, "nobody wrote");
    pull(&user, &mut store, 1000).await?;
    store.agrees(&user).await
}

/// Creates, completes and deletes tasks until the reader has seen enough. Returns the number of writes.
async fn write_until(user: &User, writer: usize, stop: &AtomicBool) -> Result<usize> {
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        let task = user
            .create(json!({"title": format!("From writer {writer}")}))
            .await?;
        let complete = format!("{}/complete", path(&task)?);
        user.post(&complete).send().await?.expect(200)?;
        if written % 2 == 0 {
            user.delete(&path(&task)?).send().await?.expect(204)?;
        }
        written += 1;
    }
    Ok(written)
}

/// A client that asks again and again gets 304 until something has changed.
pub async fn nothing_new(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    user.create(json!({"title": "One"})).await?;
    let first = user.get("/api/sync").send().await?.expect(200)?.json()?;
    let asked = format!("/api/sync?cursor={}", escape(&text(&first, "cursor")?));
    let again = user.get(&asked).send().await?.expect(200)?;
    let tag = again.header("etag").context("no ETag")?.to_owned();
    let again = again.json()?;
    ensure!(
        again["changes"] == json!([]) && again["cursor"] == first["cursor"],
        "{again}"
    );
    let known = || user.get(&asked).header("if-none-match", &tag).send();
    let unchanged = known().await?.expect(304)?;
    ensure!(unchanged.header("etag") == Some(&tag), "{unchanged:?}");
    user.patch("/api/auth/me")
        .json(&json!({"name": "Ada"}))
        .send()
        .await?
        .expect(200)?;
    let changed = known().await?.expect(200)?.json()?;
    ensure!(
        changed["changes"] == json!([]) && changed["account"]["name"] == "Ada",
        "{changed}"
    );
    Ok(())
}

/// A cursor is good for its account, until tombstones may be gone that its client has not seen.
pub async fn cursors(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let other = fixture.api.new_user("UTC").await?;
    let cursor = |page: &Value| text(page, "cursor").map(|cursor| escape(&cursor));
    let mine = cursor(&page(&user, &Value::Null, 1000).await?)?;
    let others = cursor(&page(&other, &Value::Null, 1000).await?)?;
    let keys = fixture.system.token_keys();
    let position = |position: &str| {
        let list = format!("sync {}", user.id);
        tokens::cursor(keys, &list, position).map(|cursor| escape(&cursor))
    };
    user.create(json!({"title": "One"})).await?;
    user.create(json!({"title": "Two"})).await?;
    let listed = user
        .get("/api/tasks?limit=1")
        .send()
        .await?
        .expect(200)?
        .json()?;
    // Signed for another list, or for a position of another form.
    let forged = escape(&tokens::cursor(keys, "sync", "0.9.0.1")?);
    for wrong in [
        &others,
        &forged,
        &position("0.9.0")?,
        "x",
        &escape(&text(&listed, "next_cursor")?),
    ] {
        let path = format!("/api/sync?cursor={wrong}");
        let problem = user.get(&path).send().await?.problem(422)?;
        ensure!(problem["errors"][0]["pointer"] == "/cursor", "{problem}");
    }
    for query in ["limit=0", "limit=1001", "limit=x", "since=1"] {
        user.get(&format!("/api/sync?{query}"))
            .send()
            .await?
            .problem(422)?;
    }
    let now = chrono::Utc::now().timestamp();
    let days = |days: i64| now - days * 86_400;
    for (reached, expected) in [
        (format!("0.9.0.{}", days(29)), 200),
        (format!("0.9.0.{}", days(31)), 410),
        // As after the database was restored from a backup.
        (format!("1000.9.0.{now}"), 410),
    ] {
        let path = format!("/api/sync?cursor={}", position(&reached)?);
        let response = user.get(&path).send().await?;
        ensure!(response.status == expected, "{reached}: {response:?}");
        if expected == 410 {
            let problem = response.problem(410)?;
            ensure!(
                problem["type"] == "urn:spindle:problems/resync",
                "{problem}"
            );
        } else {
            // Another one is due, although nothing else has changed since.
            ensure!(
                cursor(&response.json()?)? != mine,
                "the cursor was not renewed"
            );
        }
    }
    Ok(())
}
