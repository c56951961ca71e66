//! Pages of a list, while other requests change tasks.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::client::{Requests, escape, text};
use tests::fixture::Fixture;

/// Sorted by the time of the last change, a task that changes moves to a later page, so none is missed.
pub async fn pages_of_changes(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let mut paths = Vec::new();
    for number in 0..30 {
        let task = user.create(json!({"title": format!("{number}")})).await?;
        paths.push(format!("/api/tasks/{}", text(&task, "id")?));
    }
    let mut last = BTreeMap::new();
    let mut cursor = String::new();
    for round in 0.. {
        ensure!(round < 60, "the pages do not end");
        let path = format!("/api/tasks?sort=updated_at&order=asc&limit=4{cursor}");
        let page = user.get(&path).send().await?.expect(200)?.json()?;
        for task in page["items"].as_array().into_iter().flatten() {
            last.insert(text(task, "id")?, text(task, "title")?);
        }
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={}", escape(next));
        // Changes of tasks on pages before and after this one.
        for place in [round, 29_usize.saturating_sub(round)]
            .iter()
            .filter(|_| round < 10)
        {
            let change = json!({"title": format!("changed in {round}")});
            let path = paths.get(*place).context("no task")?;
            user.patch(path).json(&change).send().await?.expect(200)?;
        }
    }
    for task in user.pages("/api/tasks").await? {
        let seen = last.get(&text(&task, "id")?);
        ensure!(
            seen == Some(&text(&task, "title")?),
            "{task} was seen as {seen:?}"
        );
    }
    Ok(())
}

/// Tasks are created and deleted between the requests for two pages. A task that exists all the time is on exactly one page.
pub async fn pages_during_writes(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let mut stay = BTreeSet::new();
    let mut go = Vec::new();
    for number in 0..40 {
        let task = user
            .create(json!({"title": format!("{:02}", number % 7)}))
            .await?;
        match number % 4 {
            0 => go.push(text(&task, "id")?),
            _ => drop(stay.insert(text(&task, "id")?)),
        }
    }
    for sort in ["created_at", "title"] {
        let mut seen = Vec::new();
        let mut next = Some(String::new());
        while let Some(cursor) = next.take() {
            let path = format!("/api/tasks?sort={sort}&order=asc&limit=3{cursor}");
            let page = user.get(&path).send().await?.expect(200)?.json()?;
            let items = page["items"].as_array().cloned().unwrap_or_default();
            seen.extend(
                items
                    .iter()
                    .map(|task| text(task, "id"))
                    .collect::<Result<Vec<_>>>()?,
            );
            next = page["next_cursor"]
                .as_str()
                .map(|cursor| format!("&cursor={}", escape(cursor)));
            user.create(json!({"title": "00"})).await?;
            if let Some(gone) = go.pop() {
                user.delete(&format!("/api/tasks/{gone}"))
                    .send()
                    .await?
                    .expect(204)?;
            }
            ensure!(seen.len() < 200, "the pages do not end");
        }
        let once: BTreeSet<_> = seen.iter().cloned().collect();
        ensure!(once.len() == seen.len(), "{sort}: a task is on two pages");
        let lost: Vec<_> = stay.difference(&once).collect();
        ensure!(
            lost.is_empty(),
            "{sort}: {} tasks are on no page",
            lost.len()
        );
    }
    Ok(())
}
