//! What a change or a deletion of one occurrence means for the others.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::client::{Requests, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;

use super::super::tasks::path;
use super::{appears, complete, patch, post, tasks_of, weekly};

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

/// With `scope=all`, title, due date and recurrence change for the open occurrence and all that follow. What is done stays as it was.
pub async fn changes_of_all(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let at = |datetime: &str| json!({"datetime": datetime, "timezone": "Europe/Berlin"});
    let body = json!({"title": "Run", "due": at("2026-03-01T09:00:00"), "recurrence": {"rule": "FREQ=WEEKLY"}});
    let first = user.create(body).await?;
    let done = complete(&user, &first).await?;
    let second = appears(&user, &done["next"]["id"]).await?;
    let all = |task: &Value| anyhow::Ok(format!("{}?scope=all", path(task)?));
    let named = patch(&user, &all(&second)?, json!({"title": "Walk"})).await?;
    ensure!(
        named["title"] == "Walk" && named["series_id"] == first["series_id"],
        "a title alone begins no series: {named}"
    );
    // A due date moves the series: the others follow it, at its time.
    let moved = patch(
        &user,
        &all(&second)?,
        json!({"due": at("2026-03-09T18:30:00")}),
    )
    .await?;
    ensure!(
        moved["title"] == "Walk"
            && moved["due"] == at("2026-03-09T18:30:00")
            && moved["recurrence"]["start"] == moved["due"]
            && moved["occurrence"] == "2026-03-09T18:30:00",
        "{moved}"
    );
    let next = complete(&user, &moved).await?["next"].clone();
    let third = appears(&user, &next["id"]).await?;
    ensure!(
        third["title"] == "Walk" && third["due"] == at("2026-03-16T18:30:00"),
        "{third}"
    );
    // Another rule for all that follow.
    let body = json!({"recurrence": {"rule": "FREQ=DAILY"}, "title": "Swim"});
    let daily = patch(&user, &all(&third)?, body).await?;
    ensure!(
        daily["recurrence"]["rule"] == "FREQ=DAILY" && daily["due"] == third["due"],
        "{daily}"
    );
    let next = complete(&user, &daily).await?["next"].clone();
    let fourth = appears(&user, &next["id"]).await?;
    ensure!(
        fourth["title"] == "Swim" && fourth["due"] == at("2026-03-17T18:30:00"),
        "{fourth}"
    );
    for (task, title) in [(&first, "Run"), (&second, "Walk"), (&third, "Swim")] {
        let kept = user.get(&path(task)?).send().await?.expect(200)?.json()?;
        ensure!(
            kept["status"] == "completed" && kept["title"] == title,
            "{kept}"
        );
    }
    let kept = user.get(&path(&first)?).send().await?.expect(200)?.json()?;
    ensure!(
        kept["due"] == first["due"] && kept["recurrence"] == first["recurrence"],
        "{kept}"
    );
    // No recurrence at all: the series has ended, and nothing follows.
    let last = patch(&user, &all(&fourth)?, json!({"recurrence": null})).await?;
    ensure!(last["recurrence"].is_null(), "{last}");
    ensure!(
        complete(&user, &last).await?.get("next").is_none(),
        "something follows"
    );
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
    let next = complete(&user, &made).await?["next"].clone();
    appears(&user, &next["id"]).await?;
    // The deletion of an old occurrence changes nothing else; with `scope=all` the open one goes, too.
    let old = tasks_of(&user, &task).await?;
    ensure!(old.len() == 3, "{old:?}");
    user.delete(&path(&old[0])?).send().await?.expect(204)?;
    ensure!(
        tasks_of(&user, &task).await?.len() == 2,
        "not one task was deleted"
    );
    let all = format!("{}?scope=all", path(&old[1])?);
    user.delete(&all).send().await?.expect(204)?;
    let left = tasks_of(&user, &task).await?;
    ensure!(left.is_empty(), "{left:?}");
    let ended = user.get(&series).send().await?.expect(200)?.json()?;
    ensure!(ended["ended_by"] == "deletion", "{ended}");
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
