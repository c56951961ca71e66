//! Recurring tasks as a user has them: series, their occurrences, and what changes one or all of them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{Requests, User, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;

use super::tasks::path;

/// A weekly task with everything that its occurrences get.
pub async fn weekly(user: &User) -> Result<Value> {
    user.create(json!({
        "title": "Water the plants", "description": "All of them", "priority": "high", "tags": ["home"],
        "due": {"date": "2026-03-01"}, "recurrence": {"rule": "FREQ=WEEKLY;BYDAY=SU"},
    }))
    .await
}

pub async fn post(user: &User, path: &str) -> Result<Value> {
    user.post(path).send().await?.expect(200)?.json()
}

async fn complete(user: &User, task: &Value) -> Result<Value> {
    post(user, &format!("{}/complete", path(task)?)).await
}

async fn patch(user: &User, path: &str, body: Value) -> Result<Value> {
    user.patch(path)
        .json(&body)
        .send()
        .await?
        .expect(200)?
        .json()
}

/// Waits for the task with this id.
pub async fn appears(user: &User, id: &Value) -> Result<Value> {
    let path = format!("/api/tasks/{}", id.as_str().context("no id")?);
    wait::until("the next occurrence", DELIVERY_LIMIT, async || {
        let response = user.get(&path).send().await?;
        Ok((response.status == 200).then_some(response.json()?))
    })
    .await
}

/// The live tasks of a series, by their occurrence.
pub async fn tasks_of(user: &User, task: &Value) -> Result<Vec<Value>> {
    let path = format!(
        "/api/tasks?series_id={}&limit=200",
        text(task, "series_id")?
    );
    let page = user.get(&path).send().await?.expect(200)?.json()?;
    let mut tasks = page["items"].as_array().context("no items")?.clone();
    tasks.sort_by_key(|task| task["occurrence"].to_string());
    Ok(tasks)
}

fn occurrences(tasks: &[Value]) -> Vec<&str> {
    tasks
        .iter()
        .filter_map(|task| task["occurrence"].as_str())
        .collect()
}

pub async fn a_series_begins(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let task = weekly(&user).await?;
    ensure!(
        task["series_id"].is_string() && task["occurrence"] == "2026-03-01",
        "{task}"
    );
    ensure!(task["occurrence_number"] == 1, "{task}");
    let recurrence = &task["recurrence"];
    ensure!(
        recurrence["rule"] == "FREQ=WEEKLY;BYDAY=SU"
            && recurrence["every"] == 1
            && recurrence["unit"] == "week"
            && recurrence["on"] == json!(["SU"])
            && recurrence["description"] == "every week on Sunday"
            && recurrence["mode"] == "fixed"
            && recurrence["skip"] == "backward"
            && recurrence["timezone"] == "Europe/Berlin"
            && recurrence["start"] == task["due"],
        "{recurrence}"
    );
    // A client may send back what it has read.
    let same = user
        .put(&path(&task)?)
        .json(&task)
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(same == task, "{same}");
    let shorthand = json!({"title": "t", "due": {"date": "2026-03-02"}, "recurrence": {"every": 2, "unit": "week", "on": ["MO", "TH"]}});
    let task = user.create(shorthand).await?;
    ensure!(
        task["recurrence"]["description"] == "every 2 weeks on Monday and Thursday",
        "{task}"
    );
    let series = format!("/api/series/{}", text(&task, "series_id")?);
    let series = user.get(&series).send().await?.expect(200)?.json()?;
    ensure!(
        series["newest"]["task_id"] == task["id"] && series["ended_at"].is_null(),
        "{series}"
    );
    // An instant is expanded in the timezone of the account.
    let instant = json!({"title": "t", "due": {"datetime": "2026-03-01T08:00:00Z"}, "recurrence": {"rule": "FREQ=DAILY"}});
    let task = user.create(instant).await?;
    ensure!(task["occurrence"] == "2026-03-01T09:00:00", "{task}");
    ensure!(task["recurrence"]["timezone"] == "Europe/Berlin", "{task}");
    Ok(())
}

/// Completing an occurrence twice leads to one next occurrence. It has what the first one had.
pub async fn one_next_occurrence(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let task = weekly(&user).await?;
    let done = complete(&user, &task).await?;
    let next = &done["next"];
    ensure!(
        next["due"] == json!({"date": "2026-03-08"})
            && next["occurrence"] == "2026-03-08"
            && next["due_at"] == "2026-03-08T22:59:59.999999Z",
        "{done}"
    );
    let again = complete(&user, &task).await?;
    ensure!(
        again["next"] == *next && again["version"] == done["version"],
        "{again}"
    );
    let made = appears(&user, &next["id"]).await?;
    for member in [
        "title",
        "description",
        "priority",
        "tags",
        "series_id",
        "recurrence",
    ] {
        ensure!(made[member] == task[member], "{member} of {made}");
    }
    ensure!(
        made["status"] == "open" && made["due"] == next["due"] && made["due_at"] == next["due_at"],
        "{made}"
    );
    ensure!(
        made["occurrence"] == "2026-03-08" && made["occurrence_number"] == 2,
        "{made}"
    );
    let kept = user.get(&path(&task)?).send().await?.expect(200)?.json()?;
    ensure!(
        kept["status"] == "completed",
        "the completed occurrence is history: {kept}"
    );
    // The same through PATCH and PUT, and in a batch.
    let done = patch(&user, &path(&made)?, json!({"status": "completed"})).await?;
    let made = appears(&user, &done["next"]["id"]).await?;
    ensure!(made["occurrence"] == "2026-03-15", "{made}");
    let batch = json!({"operations": [{"op": "complete", "id": made["id"]}]});
    let batch = user
        .post("/api/tasks/batch")
        .json(&batch)
        .send()
        .await?
        .expect(200)?
        .json()?;
    let made = appears(&user, &batch["results"][0]["task"]["next"]["id"]).await?;
    ensure!(made["occurrence"] == "2026-03-22", "{made}");
    ensure!(
        tasks_of(&user, &task).await?.len() == 4,
        "not one task for each occurrence"
    );
    Ok(())
}

/// A task that is reopened takes back the next occurrence, unless somebody has changed that.
pub async fn reopened_and_completed_again(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = weekly(&user).await?;
    let next = complete(&user, &task).await?["next"].clone();
    appears(&user, &next["id"]).await?;
    post(&user, &format!("{}/reopen", path(&task)?)).await?;
    ensure!(
        occurrences(&tasks_of(&user, &task).await?) == ["2026-03-01"],
        "the next occurrence stays"
    );
    ensure!(
        complete(&user, &task).await?["next"]["id"] == next["id"],
        "another next occurrence"
    );
    let made = appears(&user, &next["id"]).await?;
    patch(&user, &path(&made)?, json!({"title": "Mine"})).await?;
    post(&user, &format!("{}/reopen", path(&task)?)).await?;
    complete(&user, &task).await?;
    let tasks = tasks_of(&user, &task).await?;
    ensure!(
        occurrences(&tasks) == ["2026-03-01", "2026-03-08"],
        "{tasks:?}"
    );
    Ok(())
}

pub async fn an_occurrence_is_skipped(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = weekly(&user).await?;
    let skipped = post(&user, &format!("{}/skip", path(&task)?)).await?;
    ensure!(
        skipped["status"] == "cancelled" && skipped["completed_at"].is_null(),
        "{skipped}"
    );
    let made = appears(&user, &skipped["next"]["id"]).await?;
    ensure!(made["occurrence"] == "2026-03-08", "{made}");
    let plain = user.create(json!({"title": "Once"})).await?;
    user.post(&format!("{}/skip", path(&plain)?))
        .send()
        .await?
        .expect(409)?;
    let list = format!(
        "/api/series/{}/occurrences?coming=2",
        text(&task, "series_id")?
    );
    let list = user.get(&list).send().await?.expect(200)?.json()?;
    let states: Vec<_> = list["items"]
        .as_array()
        .context("no items")?
        .iter()
        .map(|item| (item["state"].as_str(), item["occurrence"].as_str()))
        .collect();
    ensure!(
        states
            == [
                (Some("skipped"), Some("2026-03-01")),
                (Some("open"), Some("2026-03-08")),
                (Some("coming"), Some("2026-03-15")),
                (Some("coming"), Some("2026-03-22")),
            ],
        "{states:?}"
    );
    Ok(())
}

/// What a change of one occurrence means for the others.
pub async fn changes_of_one_or_all(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = weekly(&user).await?;
    patch(&user, &path(&task)?, json!({"tags": ["garden"]})).await?;
    patch(
        &user,
        &format!("{}?scope=this", path(&task)?),
        json!({"title": "Only now"}),
    )
    .await?;
    // A due date is for one occurrence, which keeps its place in the series.
    let moved = patch(&user, &path(&task)?, json!({"due": {"date": "2026-03-03"}})).await?;
    ensure!(moved["occurrence"] == "2026-03-01", "{moved}");
    let next = complete(&user, &task).await?["next"].clone();
    let made = appears(&user, &next["id"]).await?;
    ensure!(
        made["title"] == "Water the plants"
            && made["tags"] == json!(["garden"])
            && made["occurrence"] == "2026-03-08",
        "{made}"
    );
    // For those to come, too: a new series begins.
    let moved = patch(
        &user,
        &format!("{}?scope=future", path(&made)?),
        json!({"due": {"date": "2026-03-10"}, "recurrence": {"rule": "FREQ=WEEKLY"}}),
    )
    .await?;
    ensure!(
        moved["series_id"] != task["series_id"]
            && moved["occurrence"] == "2026-03-10"
            && moved["occurrence_number"] == 1,
        "{moved}"
    );
    let old = format!("/api/series/{}", text(&task, "series_id")?);
    let old = user.get(&old).send().await?.expect(200)?.json()?;
    ensure!(old["ended_by"] == "split", "{old}");
    let next = complete(&user, &moved).await?["next"].clone();
    ensure!(next["occurrence"] == "2026-03-17", "{next}");
    let made = appears(&user, &next["id"]).await?;
    // A part of a recurrence is merged.
    let changed = patch(
        &user,
        &path(&made)?,
        json!({"recurrence": {"mode": "catch_up"}}),
    )
    .await?;
    ensure!(
        changed["recurrence"]["rule"] == "FREQ=WEEKLY"
            && changed["recurrence"]["mode"] == "catch_up",
        "{changed}"
    );
    user.patch(&format!("{}?scope=this", path(&made)?))
        .json(&json!({"recurrence": null}))
        .send()
        .await?
        .expect(422)?;
    // Without a recurrence, PUT ends the series after this task.
    let body = json!({"title": "The last", "due": {"date": "2026-03-17"}});
    let last = user
        .put(&path(&made)?)
        .json(&body)
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        last["recurrence"].is_null() && last["series_id"] == changed["series_id"],
        "{last}"
    );
    let done = complete(&user, &made).await?;
    ensure!(done.get("next").is_none(), "{done}");
    user.patch(&path(&task)?)
        .json(&json!({"due": null}))
        .send()
        .await?
        .expect(422)?;
    Ok(())
}

pub async fn deletion_of_occurrences(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = weekly(&user).await?;
    user.delete(&format!("{}?scope=this", path(&task)?))
        .send()
        .await?
        .expect(204)?;
    let made = wait::until("the next occurrence", DELIVERY_LIMIT, async || {
        Ok(tasks_of(&user, &task).await?.pop())
    })
    .await?;
    ensure!(made["occurrence"] == "2026-03-08", "{made}");
    user.delete(&path(&made)?).send().await?.expect(204)?;
    let series = format!("/api/series/{}", text(&task, "series_id")?);
    let ended = user.get(&series).send().await?.expect(200)?.json()?;
    ensure!(ended["ended_by"] == "deletion", "{ended}");
    // Restored, the series goes on.
    post(&user, &format!("{}/restore", path(&made)?)).await?;
    let next = complete(&user, &made).await?["next"].clone();
    let made = appears(&user, &next["id"]).await?;
    ensure!(made["occurrence"] == "2026-03-15", "{made}");
    // The deletion of an old occurrence changes nothing else; with `scope=all` the open one goes, too.
    let old = tasks_of(&user, &task).await?.swap_remove(0);
    user.delete(&path(&old)?).send().await?.expect(204)?;
    ensure!(
        tasks_of(&user, &task).await?.len() == 1,
        "more than one task was deleted"
    );
    Ok(())
}

pub async fn a_pause(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let daily = json!({"title": "Daily", "due": {"date": "2026-03-01"}, "recurrence": {"rule": "FREQ=DAILY"}});
    let task = user.create(daily).await?;
    let series = format!("/api/series/{}", text(&task, "series_id")?);
    let paused = post(&user, &format!("{series}/pause")).await?;
    ensure!(paused["recurrence"]["paused_at"].is_string(), "{paused}");
    ensure!(
        post(&user, &format!("{series}/pause")).await? == paused,
        "paused twice"
    );
    let done = complete(&user, &task).await?;
    ensure!(
        done["next"].is_null() && done.get("next").is_some(),
        "{done}"
    );
    // The occurrences of the months until today are not made up for.
    let resumed = post(&user, &format!("{series}/resume")).await?;
    ensure!(resumed["recurrence"]["paused_at"].is_null(), "{resumed}");
    let open = wait::until("the next occurrence", Duration::from_secs(5), async || {
        Ok(tasks_of(&user, &task)
            .await?
            .pop()
            .filter(|task| task["status"] == "open"))
    })
    .await?;
    let today = chrono::Utc::now().date_naive();
    let expected = [today, today - chrono::TimeDelta::days(1)].map(|day| day.to_string());
    ensure!(
        open["occurrence"]
            .as_str()
            .is_some_and(|key| expected.iter().any(|day| day == key)),
        "{open}"
    );
    user.delete(&path(&open)?).send().await?.expect(204)?;
    user.post(&format!("{series}/pause"))
        .send()
        .await?
        .expect(409)?;
    Ok(())
}

/// A series ends with its last occurrence. COUNT counts occurrences, not completions.
pub async fn a_series_ends(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    for mode in ["fixed", "catch_up", "after_completion"] {
        let body = json!({"title": "Twice", "due": {"date": "2099-03-01"}, "recurrence": {"rule": "FREQ=DAILY;COUNT=2", "mode": mode}});
        let task = user.create(body).await?;
        complete(&user, &task).await?;
        post(&user, &format!("{}/reopen", path(&task)?)).await?;
        let next = complete(&user, &task).await?["next"].clone();
        let last = appears(&user, &next["id"]).await?;
        ensure!(complete(&user, &last).await?["next"].is_null(), "{mode}");
        let series = format!("/api/series/{}", text(&task, "series_id")?);
        wait::until("the end of the series", DELIVERY_LIMIT, async || {
            let series = user.get(&series).send().await?.expect(200)?.json()?;
            Ok((series["ended_by"] == "rule").then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// A new timezone of the account moves days, and nothing else.
pub async fn a_new_timezone(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let days = weekly(&user).await?;
    let local = json!({"title": "t", "due": {"datetime": "2026-03-01T09:00:00", "timezone": "Europe/Berlin"}, "recurrence": {"rule": "FREQ=DAILY"}});
    let local = user.create(local).await?;
    let instant = json!({"title": "t", "due": {"datetime": "2026-03-01T08:00:00Z"}, "recurrence": {"rule": "FREQ=DAILY"}});
    let instant = user.create(instant).await?;
    patch(&user, "/api/auth/me", json!({"timezone": "Asia/Tokyo"})).await?;
    let read = async |task: &Value| user.get(&path(task)?).send().await?.expect(200)?.json();
    let moved = read(&days).await?;
    ensure!(
        moved["recurrence"]["timezone"] == "Asia/Tokyo"
            && moved["due_at"] == "2026-03-01T14:59:59.999999Z",
        "{moved}"
    );
    ensure!(
        read(&local).await? == local && read(&instant).await? == instant,
        "more than days moved"
    );
    let next = complete(&user, &days).await?["next"].clone();
    let made = appears(&user, &next["id"]).await?;
    ensure!(
        made["due_at"] == "2026-03-08T14:59:59.999999Z" && made["due_at"] == next["due_at"],
        "{made}"
    );
    Ok(())
}

/// A preview shows what the series does.
pub async fn previews(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let preview = async |body: Value| -> Result<Value> {
        user.post("/api/recurrence/preview")
            .json(&body)
            .send()
            .await?
            .expect(200)?
            .json()
    };
    let keys = |preview: &Value| -> Vec<String> {
        let items = preview["occurrences"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        items
            .iter()
            .filter_map(|item| Some(item["occurrence"].as_str()?.to_owned()))
            .collect()
    };
    let days =
        preview(json!({"due": {"date": "2026-01-31"}, "rule": "FREQ=MONTHLY", "count": 4})).await?;
    ensure!(
        keys(&days) == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"],
        "{days}"
    );
    let late = |mode: &str| json!({"due": {"date": "2026-03-01"}, "rule": "FREQ=WEEKLY", "mode": mode, "count": 2, "after": "2026-03-18T23:30:00Z"});
    for (mode, expected) in [
        ("fixed", ["2026-03-08", "2026-03-15"]),
        ("catch_up", ["2026-03-22", "2026-03-29"]),
        // In Berlin it is the 19th.
        ("after_completion", ["2026-03-26", "2026-04-02"]),
    ] {
        let found = preview(late(mode)).await?;
        ensure!(keys(&found) == expected, "{mode}: {found}");
    }
    // What the series of a task does.
    let body = json!({"due": {"datetime": "2026-10-24T02:30:00", "timezone": "Europe/Berlin"}, "recurrence": {"rule": "FREQ=DAILY"}, "count": 3});
    let expected = preview(body.clone()).await?;
    let task = user
        .create(json!({"title": "t", "due": body["due"], "recurrence": body["recurrence"]}))
        .await?;
    let next = complete(&user, &task).await?["next"].clone();
    ensure!(
        next["occurrence"] == expected["occurrences"][1]["occurrence"]
            && next["due_at"] == expected["occurrences"][1]["due_at"],
        "{next} is not in {expected}"
    );
    Ok(())
}

/// A recurrence that cannot be is a 422 that names the member.
pub async fn wrong_recurrences(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let date = json!({"date": "2026-03-01"});
    let local = json!({"datetime": "2026-03-01T09:00:00", "timezone": "Europe/Berlin"});
    for (due, recurrence, pointer) in [
        (&Value::Null, json!({"rule": "FREQ=DAILY"}), "/due"),
        (&date, json!({}), "/recurrence"),
        (&date, json!({"rule": "FREQ=MINUTELY"}), "/recurrence/rule"),
        (&date, json!({"rule": "FREQ=HOURLY"}), "/recurrence/rule"),
        (
            &date,
            json!({"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "skip": "omit"}),
            "/recurrence/rule",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY;UNTIL=20260301"}),
            "/recurrence/rule",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY;COUNT=1"}),
            "/recurrence/rule",
        ),
        (&date, json!({"rule": "EVERY DAY"}), "/recurrence/rule"),
        (
            &date,
            json!({"rule": "FREQ=DAILY", "mode": "sometimes"}),
            "/recurrence/mode",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY", "skip": "sideways"}),
            "/recurrence/skip",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY", "timezone": "Mars/Base"}),
            "/recurrence/timezone",
        ),
        (
            &local,
            json!({"rule": "FREQ=DAILY", "timezone": "Asia/Tokyo"}),
            "/recurrence/timezone",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY", "exdates": ["soon"]}),
            "/recurrence/exdates/0",
        ),
        (
            &date,
            json!({"every": 0, "unit": "day"}),
            "/recurrence/every",
        ),
        (&date, json!({"every": 2}), "/recurrence/unit"),
        (
            &date,
            json!({"every": 1, "unit": "day", "at": "09:00"}),
            "/recurrence/at",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY", "moon": "full"}),
            "/recurrence/moon",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY", "every": 3, "unit": "day"}),
            "/recurrence/every",
        ),
        (&date, json!("daily"), "/recurrence"),
    ] {
        let body = json!({"title": "t", "due": due, "recurrence": recurrence});
        let problem = user
            .post("/api/tasks")
            .json(&body)
            .send()
            .await?
            .expect(422)?
            .json()?;
        ensure!(
            problem["errors"][0]["pointer"] == pointer,
            "{recurrence}: {problem}"
        );
        if let Some(recurrence) = recurrence.as_object()
            && pointer != "/due"
        {
            let mut body = json!({"due": due});
            for (name, value) in recurrence {
                body[name] = value.clone();
            }
            let problem = user
                .post("/api/recurrence/preview")
                .json(&body)
                .send()
                .await?
                .expect(422)?
                .json()?;
            let expected = pointer.strip_prefix("/recurrence").unwrap_or(pointer);
            ensure!(
                problem["errors"][0]["pointer"] == expected,
                "preview of {body}: {problem}"
            );
        }
    }
    Ok(())
}
