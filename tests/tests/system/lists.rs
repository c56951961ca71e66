//! Lists of tasks: filters, days, order, counts and deleted tasks.

use anyhow::{Context, Result, ensure};
use chrono::{NaiveTime, TimeDelta, TimeZone, Utc};
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

/// Days begin and end in the timezone of the account.
pub async fn days_of_the_account(fixture: &mut Fixture) -> Result<()> {
    let zone = chrono_tz::Pacific::Auckland;
    let user = fixture.api.new_user(zone.name()).await?;
    // Near midnight, "today" could become another day during the test.
    let now = Utc::now().with_timezone(&zone);
    let today = now.date_naive();
    let day = |days: i64| (today + TimeDelta::days(days)).to_string();
    let midnight = |days: i64| {
        let local = (today + TimeDelta::days(days)).and_time(NaiveTime::MIN);
        let instant = zone.from_local_datetime(&local).earliest();
        instant.context("no midnight")
    };
    let seconds = |days: i64, seconds: i64| {
        Ok::<_, anyhow::Error>((midnight(days)? + TimeDelta::seconds(seconds)).to_rfc3339())
    };
    for (title, due) in [
        ("a yesterday", json!({"date": day(-1)})),
        ("b before midnight", json!({"datetime": seconds(0, -1)?})),
        ("c midnight", json!({"datetime": seconds(0, 0)?})),
        ("d today", json!({"date": day(0)})),
        ("e last second", json!({"datetime": seconds(1, -1)?})),
        ("f tomorrow", json!({"date": day(1)})),
        ("g in six days", json!({"date": day(6)})),
        ("h in a week", json!({"date": day(7)})),
        ("i none", json!(null)),
    ] {
        user.create(json!({"title": title, "due": due})).await?;
    }
    let date = format!("due_on={}", day(0));
    let before = format!("due_before={}", day(0));
    let after = format!("due_after={}", day(0));
    let mut wrong = Vec::new();
    for (query, expected) in [
        ("due_on=today", "cde"),
        (&date, "cde"),
        ("due_on=yesterday", "ab"),
        ("due_on=tomorrow", "f"),
        ("due_on=next%207%20days", "cdefg"),
        ("due_on=next+8+days", "cdefgh"),
        (&before, "ab"),
        ("due_before=today", "ab"),
        (&after, "fgh"),
        ("due_after=today", "fgh"),
        ("due_after=yesterday&due_before=tomorrow", "cde"),
        (
            "created_after=yesterday&created_before=tomorrow",
            "abcdefghi",
        ),
        ("created_after=today", ""),
        ("updated_before=today", ""),
        ("completed_before=tomorrow", ""),
    ] {
        let found = titles(&user, &format!("{query}&sort=title")).await?;
        let found: String = found
            .iter()
            .filter_map(|title| title.chars().next())
            .collect();
        if found != expected {
            wrong.push(format!("{query}: {found} instead of {expected}"));
        }
    }
    ensure!(
        wrong.is_empty() || Utc::now().with_timezone(&zone).date_naive() != today,
        "{}",
        wrong.join("\n")
    );
    Ok(())
}

/// Two sort keys, each with its direction, in one page and in pages of one.
pub async fn two_sort_keys(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    for (title, priority, day) in [
        ("a", "low", 2),
        ("b", "urgent", 3),
        ("c", "urgent", 1),
        ("d", "low", 1),
        ("e", "urgent", 0),
    ] {
        let due = (day > 0).then(|| json!({"date": format!("2026-03-0{day}")}));
        user.create(json!({"title": title, "priority": priority, "due": due}))
            .await?;
    }
    let task = &user.pages("/api/tasks?sort=title&limit=1").await?[2];
    let path = format!("/api/tasks/{}/complete", text(task, "id")?);
    user.post(&path).send().await?.expect(200)?;
    for (query, expected) in [
        ("sort=priority,due_at", "cbeda"),
        ("sort=priority,due_at&order=asc", "dacbe"),
        ("sort=priority,due_at&order=desc,desc", "bcead"),
        ("sort=priority&sort=title&order=asc&order=desc", "daecb"),
        ("sort=due_at,title", "cdabe"),
        ("sort=due_at,title&order=asc,desc", "dcabe"),
        ("sort=completed_at", "cedba"),
        ("sort=completed_at&order=asc", "abdec"),
        ("sort=completed_at,title", "cabde"),
        ("sort=title,priority&status=open&order=desc", "edba"),
        ("sort=priority,title&q=a", "a"),
    ] {
        for limit in ["", "&limit=1", "&limit=2"] {
            let found = titles(&user, &format!("{query}{limit}")).await?.concat();
            ensure!(found == expected, "{query}{limit}: {found}");
        }
    }
    Ok(())
}

/// The number of tasks on all pages.
pub async fn tasks_are_counted(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let count = async |query: &str| {
        let path = format!("/api/tasks?count=true&limit=2&{query}");
        let page = user.get(&path).send().await?.expect(200)?.json()?;
        let total = page["total"].clone();
        ensure!(
            total["exact"] == (total["count"] != 10_000),
            "{query}: {total}"
        );
        Ok(total["count"].clone())
    };
    ensure!(count("").await? == 0, "a new user has tasks");
    for number in 0..7 {
        let tags = if number < 3 { vec!["few"] } else { vec![] };
        let title = format!("Task {}", if number % 2 == 0 { "even" } else { "odd" });
        user.create(json!({"title": title, "tags": tags})).await?;
    }
    for (query, expected) in [
        ("", 7),
        ("tag=few", 3),
        ("q=even", 4),
        ("q=even&tag=few&sort=title", 2),
        ("q=nowhere", 0),
        ("status=completed", 0),
    ] {
        let found = count(query).await?;
        ensure!(found == expected, "{query}: {found}");
    }
    let first = user.get("/api/tasks?limit=3&count=true").send().await?;
    let cursor = escape(&text(&first.expect(200)?.json()?, "next_cursor")?);
    let second = user.get(&format!("/api/tasks?limit=3&cursor={cursor}"));
    let second = second.send().await?.expect(200)?.json()?;
    ensure!(second.get("total").is_none(), "{second}");
    ensure!(
        count(&format!("cursor={cursor}")).await? == 7,
        "a later page"
    );
    let statement = include_str!("../../sql/insert_tasks_of.sql");
    let database = &fixture.database;
    database
        .execute(statement, &[&user.id, &10_001_i64])
        .await?;
    ensure!(count("").await? == 10_000, "more than 10,000");
    Ok(())
}

/// Deleted tasks are listed, and each says that it was deleted and how it can be restored.
pub async fn deleted_tasks(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let other = fixture.api.new_user("UTC").await?;
    let mut gone = Vec::new();
    for title in ["first", "second", "third", "kept"] {
        let task = user.create(json!({"title": title, "tags": ["t"]})).await?;
        gone.push(format!("/api/tasks/{}", text(&task, "id")?));
    }
    gone.pop();
    for path in &gone {
        user.delete(path).send().await?.expect(204)?;
    }
    for (query, expected) in [
        ("deleted=true", "third second first"),
        ("deleted=true&limit=1", "third second first"),
        ("deleted=true&order=asc&limit=2", "first second third"),
        ("deleted=true&tag=t&q=irs", "first"),
        ("deleted=true&status=completed", ""),
        ("deleted=false", "kept"),
        ("", "kept"),
    ] {
        let found = titles(&user, query).await?.join(" ");
        ensure!(found == expected, "{query}: {found}");
    }
    let listed = user
        .get("/api/tasks?deleted=true&count=true")
        .send()
        .await?;
    let listed = listed.expect(200)?.json()?;
    ensure!(
        listed["total"]["count"] == 3 && listed["items"][0]["deleted_at"].is_string(),
        "{listed}"
    );
    ensure!(
        titles(&other, "deleted=true").await?.is_empty(),
        "another user's deleted tasks are listed"
    );
    let path = gone.first().context("no task")?;
    other.get(path).send().await?.problem(404)?;
    let problem = user.get(path).send().await?.problem(410)?;
    let restore = text(&problem, "restore")?;
    user.post(&restore).send().await?.expect(200)?;
    let restored = user.get(path).send().await?.expect(200)?.json()?;
    ensure!(restored["title"] == "first", "{restored}");
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
