//! Lists of tasks: filters, order, and pagination during concurrent writes.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::client::{Requests, User, escape, text};
use tests::fixture::Fixture;

/// The titles of a list, all pages of it.
pub async fn titles(user: &User, query: &str) -> Result<Vec<String>> {
    let tasks = user.pages(&format!("/api/tasks?{query}")).await?;
    tasks.iter().map(|task| text(task, "title")).collect()
}

pub async fn filters_and_sort(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let tasks = [
        json!({"title": "bread", "priority": "low", "tags": ["home", "shop"], "due": {"date": "2020-01-01"}}),
        json!({"title": "apples", "priority": "urgent", "tags": ["shop"], "due": {"date": "2099-01-01"}}),
        json!({"title": "desk", "priority": "high", "tags": ["work"], "status": "in_progress"}),
        json!({"title": "cake", "tags": ["home"], "due": {"datetime": "2050-06-01T12:00:00Z"}}),
    ];
    let mut made = Vec::new();
    for task in tasks {
        made.push(user.create(task).await?);
    }
    let done = user
        .create(json!({"title": "earth", "due": {"date": "2020-01-02"}}))
        .await?;
    user.post(&format!("/api/tasks/{}/complete", text(&done, "id")?))
        .send()
        .await?
        .expect(200)?;
    let third = made
        .get(2)
        .map(|task| text(task, "updated_at"))
        .transpose()?
        .unwrap_or_default();
    let after = format!("updated_after={}&sort=title&order=asc", escape(&third));
    let created = |bound: &str| format!("created_{bound}={}&sort=title&order=asc", escape(&third));
    let (created_after, created_before) = (created("after"), created("before"));
    let finished = |bound: &str| format!("completed_{bound}={}", escape(&third));
    let (done_after, done_before) = (finished("after"), finished("before"));
    let unchanged = format!("updated_before={}&sort=title&order=asc", escape(&third));
    let cases: [(&str, &[&str]); 26] = [
        ("due=none", &["desk"]),
        (
            "due=any&status=open&sort=title&order=asc",
            &["apples", "bread", "cake"],
        ),
        (created_after.as_str(), &["cake", "earth"]),
        (created_before.as_str(), &["apples", "bread"]),
        (done_after.as_str(), &["earth"]),
        (done_before.as_str(), &[]),
        (unchanged.as_str(), &["apples", "bread"]),
        (
            "sort=title&order=asc",
            &["apples", "bread", "cake", "desk", "earth"],
        ),
        (
            "sort=title&order=desc",
            &["earth", "desk", "cake", "bread", "apples"],
        ),
        (
            "sort=created_at&order=asc",
            &["bread", "apples", "desk", "cake", "earth"],
        ),
        (
            "sort=updated_at&order=desc",
            &["earth", "cake", "desk", "apples", "bread"],
        ),
        (
            "sort=priority&order=desc&status=open",
            &["apples", "cake", "bread"],
        ),
        (
            "sort=due_at&order=asc&status=open",
            &["bread", "cake", "apples"],
        ),
        ("status=in_progress", &["desk"]),
        ("status=completed", &["earth"]),
        ("priority=low", &["bread"]),
        ("tag=home&sort=title&order=asc", &["bread", "cake"]),
        ("tag=home&tag=shop", &["bread"]),
        (
            "tag_any=work&tag_any=shop&sort=title&order=asc",
            &["apples", "bread", "desk"],
        ),
        ("tag=nothing", &[]),
        (
            "due_before=2050-01-01T00:00:00Z&sort=due_at&order=asc",
            &["bread", "earth"],
        ),
        (
            "due_after=2050-01-01T00:00:00Z&sort=due_at&order=asc",
            &["cake", "apples"],
        ),
        ("overdue=true", &["bread"]),
        (
            "overdue=false&sort=title&order=asc&status=open",
            &["apples", "cake"],
        ),
        (
            "limit=1&sort=due_at&order=desc&tag=shop",
            &["apples", "bread"],
        ),
        (&after, &["cake", "earth"]),
    ];
    let mut wrong = Vec::new();
    for (query, expected) in cases {
        let found = titles(&user, query).await?;
        if found != expected {
            wrong.push(format!("{query}: {found:?} instead of {expected:?}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    for sort in ["created_at", "updated_at", "due_at", "priority", "title"] {
        for order in ["asc", "desc"] {
            let whole = titles(&user, &format!("sort={sort}&order={order}")).await?;
            let paged = titles(&user, &format!("sort={sort}&order={order}&limit=1")).await?;
            ensure!(
                whole.len() == 5 && whole == paged,
                "{sort} {order}: {whole:?} in one page, {paged:?} in pages of one"
            );
        }
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

/// A list holds the tasks of its owner only.
pub async fn lists_hold_own_tasks_only(fixture: &mut Fixture) -> Result<()> {
    let (one, two) = (
        fixture.api.new_user("UTC").await?,
        fixture.api.new_user("UTC").await?,
    );
    one.create(json!({"title": "of one"})).await?;
    two.create(json!({"title": "of two"})).await?;
    ensure!(
        titles(&one, "").await? == ["of one"] && titles(&two, "").await? == ["of two"],
        "a list holds tasks of another user"
    );
    let page: Value = one.get("/api/tasks").send().await?.expect(200)?.json()?;
    ensure!(
        page.get("next_cursor").is_some_and(Value::is_null),
        "next_cursor of the last page is not null: {page}"
    );
    Ok(())
}
