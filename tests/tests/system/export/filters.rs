//! Each filter, on the list and on the export: both show the same entries, those that the filter names.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{Calls, Person, escape, text};
use tests::stage::{SOON, World};
use tests::wait;
use uuid::Uuid;

use super::exported;

type Passes = Box<dyn Fn(&Value) -> bool>;

fn is(member: &'static str, value: Value) -> Passes {
    Box::new(move |entry| entry[member] == value)
}

fn all(one: Passes, two: Passes) -> Passes {
    Box::new(move |entry| one(entry) && two(entry))
}

/// Writes of every kind, some of them with a correlation id of their own.
async fn write(person: &Person) -> Result<Value> {
    let mut first = Value::Null;
    for turn in 0..3 {
        let task = json!({"title": format!("Turn {turn}"), "description": "line\nfeed"});
        let call = person.post("/api/tasks").json(&task);
        let call = call.header("x-correlation-id", &format!("{}-{turn}", person.id));
        let task = call.send().await?.expect(201)?.json()?;
        let path = format!("/api/tasks/{}", text(&task, "id")?);
        person
            .post(&format!("{path}/complete"))
            .send()
            .await?
            .expect(200)?;
        person.delete(&path).send().await?.expect(204)?;
        if turn == 0 {
            first = task;
        }
    }
    Ok(first)
}

pub async fn filters_of_list_and_export(world: &mut World) -> Result<()> {
    let people = [
        world.api.newcomer("UTC").await?,
        world.api.newcomer("UTC").await?,
    ];
    let task = write(&people[0]).await?;
    let theirs = write(&people[1]).await?;
    Checker::new(&world.database, &people).gapless().await?;
    let [one, two] = &people;
    let whole = one.pages("/api/audit?limit=200").await?;
    ensure!(whole.len() >= 10, "only {} entries", whole.len());
    let middle = text(whole.get(whole.len() / 2).context("an entry")?, "time")?;
    let before = |time: &str| -> Passes {
        let time = time.to_owned();
        Box::new(move |entry| entry["time"].as_str() < Some(&time))
    };
    let since = |time: &str| -> Passes {
        let time = time.to_owned();
        Box::new(move |entry| entry["time"].as_str() >= Some(&time))
    };
    let at = escape(&middle);
    let correlation = format!("{}-1", one.id);
    let id = text(&task, "id")?;
    let cases: Vec<(String, Passes)> = vec![
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
            all(is("type", json!("task.deleted")), before(&middle)),
        ),
    ];
    for (query, passes) in &cases {
        let mut wanted: Vec<_> = whole
            .iter()
            .filter(|entry| passes(entry))
            .cloned()
            .collect();
        let listed = one.pages(&format!("/api/audit?limit=2&{query}")).await?;
        ensure!(
            listed == wanted,
            "{query}: the list has {} of {}",
            listed.len(),
            wanted.len()
        );
        wanted.reverse();
        let lines = exported(one, &format!("?{query}")).await?;
        ensure!(
            lines == wanted,
            "{query}: the export has {} of {}",
            lines.len(),
            wanted.len()
        );
    }
    for path in ["/api/audit", "/api/audit/export"] {
        let path = format!("{path}?user_id={}", two.id);
        one.get(&path).send().await?.problem(403)?;
        world.api.get(&path).send().await?.problem(401)?;
    }
    auditors(world, &people, &theirs).await
}

/// Who may read every trail sees all of them, unless a filter names one.
async fn auditors(world: &World, people: &[Person; 2], theirs: &Value) -> Result<()> {
    let [one, two] = people;
    let statement = include_str!("make_auditor.sql");
    world.database.execute(statement, &[&one.id]).await?;
    let auditor = one.sign_in().await?;
    let trail = two.pages("/api/audit?limit=200").await?;
    let id = text(theirs, "id")?;
    let correlation = format!("correlation_id={}-1", two.id);
    let of_two: Vec<(String, Passes)> = vec![
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
    for (query, passes) in &of_two {
        let mut wanted: Vec<_> = trail
            .iter()
            .filter(|entry| passes(entry))
            .cloned()
            .collect();
        ensure!(!wanted.is_empty(), "{query} names nothing");
        let listed = auditor
            .pages(&format!("/api/audit?limit=2&{query}"))
            .await?;
        ensure!(
            listed == wanted,
            "{query}: the list has {} of {}",
            listed.len(),
            wanted.len()
        );
        wanted.reverse();
        let lines = exported(&auditor, &format!("?{query}")).await?;
        ensure!(
            lines == wanted,
            "{query}: the export has {} of {}",
            lines.len(),
            wanted.len()
        );
    }
    // Reading adds nothing to the trail; only what was on its way from before may arrive in between.
    let what = "list and export of everybody's trail show the same";
    let lines = wait::until(what, SOON, async || {
        let mut listed = auditor.pages("/api/audit?limit=200").await?;
        listed.reverse();
        let lines = exported(&auditor, "").await?;
        Ok((lines == listed).then_some(lines))
    })
    .await?;
    for person in people {
        ensure!(
            lines
                .iter()
                .any(|line| line["user_id"] == person.id.to_string()),
            "{} is not in everybody's trail",
            person.id
        );
    }
    Ok(())
}
