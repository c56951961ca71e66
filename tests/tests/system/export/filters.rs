//! Filters of the audit list and of the export: both return the same entries, namely those that match.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{Requests, User, escape, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;
use uuid::Uuid;

use super::exported;

/// Whether an entry matches a filter.
type Matches = Box<dyn Fn(&Value) -> bool>;

fn is(member: &'static str, value: Value) -> Matches {
    Box::new(move |entry| entry[member] == value)
}

fn both(one: Matches, two: Matches) -> Matches {
    Box::new(move |entry| one(entry) && two(entry))
}

/// Creates, completes and deletes three tasks. Each creation has a correlation id of its own. Returns the first task.
async fn write(user: &User) -> Result<Value> {
    let mut first = Value::Null;
    for turn in 0..3 {
        let task = json!({"title": format!("Turn {turn}"), "description": "line\nfeed"});
        let request = user.post("/api/tasks").json(&task);
        let request = request.header("x-correlation-id", &format!("{}-{turn}", user.id));
        let task = request.send().await?.expect(201)?.json()?;
        let path = format!("/api/tasks/{}", text(&task, "id")?);
        user.post(&format!("{path}/complete"))
            .send()
            .await?
            .expect(200)?;
        user.delete(&path).send().await?.expect(204)?;
        if turn == 0 {
            first = task;
        }
    }
    Ok(first)
}

pub async fn filters_of_list_and_export(fixture: &mut Fixture) -> Result<()> {
    let users = [
        fixture.api.new_user("UTC").await?,
        fixture.api.new_user("UTC").await?,
    ];
    let task = write(&users[0]).await?;
    let theirs = write(&users[1]).await?;
    Checker::new(&fixture.database, &users)
        .check_sequence_numbers()
        .await?;
    let [one, two] = &users;
    let trail = one.pages("/api/audit?limit=200").await?;
    ensure!(trail.len() >= 10, "only {} entries", trail.len());
    let middle = text(
        trail
            .get(trail.len() / 2)
            .context("an entry in the middle")?,
        "time",
    )?;
    let before = |time: &str| -> Matches {
        let time = time.to_owned();
        Box::new(move |entry| entry["time"].as_str() < Some(&time))
    };
    let since = |time: &str| -> Matches {
        let time = time.to_owned();
        Box::new(move |entry| entry["time"].as_str() >= Some(&time))
    };
    let at = escape(&middle);
    let correlation = format!("{}-1", one.id);
    let id = text(&task, "id")?;
    let cases: Vec<(String, Matches)> = vec![
        (String::new(), Box::new(|_| true)),
        (format!("user_id={}", one.id), Box::new(|_| true)),
        (format!("task_id={id}"), is("task_id", json!(id))),
        (
            format!("task_id={}", text(&theirs, "id")?),
            Box::new(|_| false),
        ),
        (
            "type=task.completed".to_owned(),
            is("type", json!("task.completed")),
        ),
        ("type=task".to_owned(), Box::new(|_| false)),
        (
            "actor=user".to_owned(),
            Box::new(|entry| entry["actor"]["type"] == "user"),
        ),
        (format!("actor={}", one.id), {
            let id = one.id.to_string();
            Box::new(move |entry| entry["actor"]["id"] == id)
        }),
        (format!("actor={}", Uuid::now_v7()), Box::new(|_| false)),
        (format!("from={at}"), since(&middle)),
        (format!("to={at}"), before(&middle)),
        (format!("from={at}&to={at}"), Box::new(|_| false)),
        (
            format!("correlation_id={correlation}"),
            is("correlation_id", json!(correlation)),
        ),
        (
            format!("type=task.deleted&to={at}"),
            both(is("type", json!("task.deleted")), before(&middle)),
        ),
    ];
    for (query, matches) in &cases {
        let mut expected: Vec<_> = trail
            .iter()
            .filter(|entry| matches(entry))
            .cloned()
            .collect();
        let listed = one.pages(&format!("/api/audit?limit=2&{query}")).await?;
        ensure!(
            listed == expected,
            "{query}: the list has {} entries of {}",
            listed.len(),
            expected.len()
        );
        expected.reverse();
        let lines = exported(one, &format!("?{query}")).await?;
        ensure!(
            lines == expected,
            "{query}: the export has {} entries of {}",
            lines.len(),
            expected.len()
        );
    }
    for path in ["/api/audit", "/api/audit/export"] {
        let path = format!("{path}?user_id={}", two.id);
        one.get(&path).send().await?.problem(403)?;
        fixture.api.get(&path).send().await?.problem(401)?;
    }
    days_of_the_reader(fixture).await?;
    auditors(fixture, &users, &theirs).await
}

/// A day is one of the reader's timezone. It has begun in the one while it has not begun in the other.
async fn days_of_the_reader(fixture: &Fixture) -> Result<()> {
    for (zone, hours) in [("Pacific/Kiritimati", 14), ("Pacific/Pago_Pago", -11)] {
        let user = fixture.api.new_user(zone).await?;
        user.create(json!({"title": "Today"})).await?;
        let users = [user];
        Checker::new(&fixture.database, &users)
            .check_sequence_numbers()
            .await?;
        let [user] = &users;
        let trail = wait::until("the entry is on the trail", DELIVERY_LIMIT, async || {
            let trail = user.pages("/api/audit?type=task.created").await?;
            Ok((!trail.is_empty()).then_some(trail))
        })
        .await?;
        let time: DateTime<Utc> = text(&trail[0], "time")?.parse()?;
        let today = (time + Duration::hours(hours)).date_naive();
        let tomorrow = today + Duration::days(1);
        for (query, expected) in [
            (format!("from={today}"), 1),
            (format!("from={tomorrow}"), 0),
            (format!("to={today}"), 0),
            (format!("to={tomorrow}"), 1),
            ("from=yesterday&to=tomorrow".to_owned(), 1),
        ] {
            let query = format!("type=task.created&{query}");
            let listed = user.pages(&format!("/api/audit?{query}")).await?;
            let lines = exported(user, &format!("?{query}")).await?;
            ensure!(
                listed.len() == expected && lines.len() == expected,
                "{zone}, {query}: {listed:?}, {lines:?}"
            );
        }
    }
    Ok(())
}

/// An auditor sees the trails of all users, or of the one that a filter names.
async fn auditors(fixture: &Fixture, users: &[User; 2], theirs: &Value) -> Result<()> {
    let [one, two] = users;
    let statement = include_str!("../../../sql/make_auditor.sql");
    fixture.database.execute(statement, &[&one.id]).await?;
    let auditor = one.sign_in().await?;
    let trail = two.pages("/api/audit?limit=200").await?;
    let id = text(theirs, "id")?;
    let correlation = format!("correlation_id={}-1", two.id);
    let of_two: Vec<(String, Matches)> = vec![
        (format!("user_id={}", two.id), Box::new(|_| true)),
        (
            format!("user_id={}&type=task.created", two.id),
            is("type", json!("task.created")),
        ),
        (format!("task_id={id}"), is("task_id", json!(id))),
        (
            correlation,
            is("correlation_id", json!(format!("{}-1", two.id))),
        ),
        (
            format!("actor={}&type=task.deleted", two.id),
            is("type", json!("task.deleted")),
        ),
    ];
    for (query, matches) in &of_two {
        let mut expected: Vec<_> = trail
            .iter()
            .filter(|entry| matches(entry))
            .cloned()
            .collect();
        ensure!(!expected.is_empty(), "{query} matches nothing");
        let listed = auditor
            .pages(&format!("/api/audit?limit=2&{query}"))
            .await?;
        ensure!(
            listed == expected,
            "{query}: the list has {} entries of {}",
            listed.len(),
            expected.len()
        );
        expected.reverse();
        let lines = exported(&auditor, &format!("?{query}")).await?;
        ensure!(
            lines == expected,
            "{query}: the export has {} entries of {}",
            lines.len(),
            expected.len()
        );
    }
    // Reading adds nothing to the trail, but earlier writes may be delivered between the two requests.
    let what = "list and export of all trails have the same entries";
    let lines = wait::until(what, DELIVERY_LIMIT, async || {
        let mut listed = auditor.pages("/api/audit?limit=200").await?;
        listed.reverse();
        let lines = exported(&auditor, "").await?;
        Ok((lines == listed).then_some(lines))
    })
    .await?;
    for user in users {
        ensure!(
            lines
                .iter()
                .any(|line| line["user_id"] == user.id.to_string()),
            "user {} is missing from the export of all trails",
            user.id
        );
    }
    Ok(())
}
