//! Single tasks over HTTP: create, read, replace, patch, complete, reopen and delete; conditional requests and idempotency keys.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::client::{Requests, User, number, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;
use uuid::Uuid;

pub fn path(task: &Value) -> Result<String> {
    Ok(format!("/api/tasks/{}", text(task, "id")?))
}

async fn read(user: &User, task: &Value) -> Result<Value> {
    user.get(&path(task)?).send().await?.expect(200)?.json()
}

pub async fn create_and_read(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let id = Uuid::now_v7().to_string();
    let fields = json!({"id": id, "title": "Water the plants 🌱", "description": "All \"of\" them\n", "priority": "high",
        "tags": ["home", "grün"], "due": {"date": "2026-03-01"}});
    let response = user
        .post("/api/tasks")
        .json(&fields)
        .send()
        .await?
        .expect(201)?;
    ensure!(
        response
            .header("location")
            .is_some_and(|to| to.ends_with(&format!("/api/tasks/{id}"))),
        "{:?}",
        response.headers
    );
    ensure!(
        response.header("etag") == Some("\"1\""),
        "{:?}",
        response.headers
    );
    let task = response.json()?;
    for member in ["id", "title", "description", "priority", "tags", "due"] {
        ensure!(task[member] == fields[member], "{member} of {task}");
    }
    ensure!(
        task["status"] == "open" && task["version"] == 1 && task["completed_at"].is_null(),
        "{task}"
    );
    ensure!(
        task["due_at"] == "2026-03-01T23:59:59.999999Z",
        "the due time of a date is not its last microsecond: {task}"
    );
    ensure!(
        read(&user, &task).await? == task,
        "GET differs from the response of POST"
    );
    let plain = user.create(json!({"title": "Only a title"})).await?;
    ensure!(
        plain["description"] == "" && plain["priority"] == "medium" && plain["tags"] == json!([]),
        "{plain}"
    );
    for member in [
        "due",
        "due_at",
        "recurrence",
        "series_id",
        "occurrence",
        "completed_at",
    ] {
        ensure!(
            plain.get(member).is_some_and(Value::is_null),
            "{member} is absent or not null: {plain}"
        );
    }
    Ok(())
}

pub async fn conditional_requests(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "One"})).await?;
    let path = path(&task)?;
    let same = user
        .get(&path)
        .header("if-none-match", "\"1\"")
        .send()
        .await?
        .expect(304)?;
    ensure!(
        same.body.is_empty() && same.header("etag") == Some("\"1\""),
        "304 with {:?}",
        same.headers
    );
    for header in ["W/\"1\"", "\"7\", \"1\"", "*"] {
        user.get(&path)
            .header("if-none-match", header)
            .send()
            .await?
            .expect(304)?;
    }
    let response = user
        .patch(&path)
        .if_match(1)
        .json(&json!({"title": "Two"}))
        .send()
        .await?
        .expect(200)?;
    ensure!(
        response.header("etag") == Some("\"2\"") && response.json()?["version"] == 2,
        "{:?}",
        response.headers
    );
    user.get(&path)
        .header("if-none-match", "\"1\"")
        .send()
        .await?
        .expect(200)?;
    user.patch(&path)
        .header("if-match", "*")
        .json(&json!({"title": "Three"}))
        .send()
        .await?
        .expect(200)?;
    user.delete(&path).if_match(1).send().await?.problem(412)?;
    user.delete(&path).if_match(3).send().await?.expect(204)?;
    user.get(&path).send().await?.problem(410)?;
    user.patch(&path)
        .json(&json!({"title": "Four"}))
        .send()
        .await?
        .problem(404)?;
    Ok(())
}

pub async fn merge_patch(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user
        .create(json!({"title": "Keep", "description": "old", "tags": ["a", "b"], "due": {"date": "2026-03-01"}, "priority": "low"}))
        .await?;
    let patch = async |body: Value| {
        user.patch(&path(&task)?)
            .json(&body)
            .send()
            .await?
            .expect(200)?
            .json()
    };
    let tagged = patch(json!({"tags": ["c"]})).await?;
    ensure!(
        tagged["tags"] == json!(["c"]),
        "the tags were not replaced as a whole: {tagged}"
    );
    ensure!(
        tagged["title"] == "Keep"
            && tagged["description"] == "old"
            && tagged["due"] == json!({"date": "2026-03-01"}),
        "{tagged}"
    );
    let cleared =
        patch(json!({"due": null, "description": null, "tags": null, "priority": null})).await?;
    ensure!(
        cleared["due"].is_null() && cleared["due_at"].is_null(),
        "null did not remove the due date: {cleared}"
    );
    ensure!(
        cleared["description"] == "" && cleared["tags"] == json!([]),
        "null did not set the default: {cleared}"
    );
    ensure!(
        cleared["priority"] == "medium",
        "null did not set the default: {cleared}"
    );
    let dated =
        patch(json!({"due": {"datetime": "2026-03-01T09:00:00", "timezone": "Europe/Berlin"}}))
            .await?;
    ensure!(dated["due_at"] == "2026-03-01T08:00:00.000000Z", "{dated}");
    let moved = patch(json!({"due": {"timezone": "America/New_York"}})).await?;
    let expected = json!({"datetime": "2026-03-01T09:00:00", "timezone": "America/New_York"});
    ensure!(
        moved["due"] == expected && moved["due_at"] == "2026-03-01T14:00:00.000000Z",
        "the due date was not merged: {moved}"
    );
    let before = number(&read(&user, &task).await?, "version")?;
    let same = patch(json!({})).await?;
    ensure!(
        number(&same, "version")? == before,
        "an empty patch changed the task: {same}"
    );
    Ok(())
}

pub async fn complete_and_reopen(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "Do"})).await?;
    let verb = async |verb: &str| {
        user.post(&format!("{}/{verb}", path(&task)?))
            .send()
            .await?
            .expect(200)?
            .json()
    };
    let done = verb("complete").await?;
    ensure!(
        done["status"] == "completed" && done["version"] == 2 && done["completed_at"].is_string(),
        "{done}"
    );
    ensure!(
        verb("complete").await? == done,
        "completing a second time changed the task"
    );
    let open = verb("reopen").await?;
    ensure!(
        open["status"] == "open" && open["version"] == 3 && open["completed_at"].is_null(),
        "{open}"
    );
    ensure!(
        verb("reopen").await? == open,
        "reopening a second time changed the task"
    );
    let patched = user
        .patch(&path(&task)?)
        .json(&json!({"status": "completed"}))
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        patched["completed_at"].is_string(),
        "PATCH with the status completed did not complete the task: {patched}"
    );
    let history = format!("{}/history", path(&task)?);
    let expected =
        ["created", "completed", "reopened", "completed"].map(|verb| format!("task.{verb}"));
    wait::until("one entry for each change", DELIVERY_LIMIT, async || {
        let entries = user.pages(&history).await?;
        let kinds: Vec<_> = entries
            .iter()
            .rev()
            .map(|entry| entry["type"].clone())
            .collect();
        ensure!(kinds == expected, "{kinds:?}");
        Ok(Some(()))
    })
    .await
}

pub async fn idempotency_keys(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let key = Uuid::new_v4().to_string();
    let send = async |fields: Value| user.post("/api/tasks").key(&key).json(&fields).send().await;
    let first = send(json!({"title": "Once"})).await?.expect(201)?;
    ensure!(
        first.header("idempotency-replayed").is_none(),
        "{:?}",
        first.headers
    );
    let again = send(json!({"title": "Once"})).await?.expect(201)?;
    ensure!(
        again.header("idempotency-replayed") == Some("true") && again.body == first.body,
        "{:?}",
        again.headers
    );
    for header in ["etag", "location"] {
        ensure!(
            again.header(header) == first.header(header),
            "the header {header} of the replay differs"
        );
    }
    send(json!({"title": "Twice"})).await?.problem(422)?;
    let other = fixture.api.new_user("UTC").await?;
    let theirs = other
        .post("/api/tasks")
        .key(&key)
        .json(&json!({"title": "Once"}))
        .send()
        .await?
        .expect(201)?;
    ensure!(
        theirs.header("idempotency-replayed").is_none(),
        "the idempotency key of another user was replayed"
    );
    ensure!(
        user.pages("/api/tasks").await?.len() == 1,
        "one key created two tasks"
    );
    Ok(())
}

pub async fn due_dates(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("America/New_York").await?;
    let berlin = |local: &str| json!({"datetime": local, "timezone": "Europe/Berlin"});
    let cases = [
        (
            "a date lasts until the end of the day in the owner's timezone",
            json!({"date": "2026-03-01"}),
            "2026-03-02T04:59:59.999999Z",
        ),
        (
            "a date on which the clocks change",
            json!({"date": "2026-03-08"}),
            "2026-03-09T03:59:59.999999Z",
        ),
        (
            "a local time in winter",
            berlin("2026-03-01T09:00:00"),
            "2026-03-01T08:00:00.000000Z",
        ),
        (
            "a local time in summer",
            berlin("2026-07-01T09:00:00"),
            "2026-07-01T07:00:00.000000Z",
        ),
        (
            "a local time that does not exist",
            berlin("2026-03-29T02:30:00"),
            "2026-03-29T01:00:00.000000Z",
        ),
        (
            "a local time that exists twice",
            berlin("2026-10-25T02:30:00"),
            "2026-10-25T00:30:00.000000Z",
        ),
        (
            "an instant",
            json!({"datetime": "2026-03-01T08:00:00Z"}),
            "2026-03-01T08:00:00.000000Z",
        ),
        (
            "a leap day",
            json!({"date": "2028-02-29"}),
            "2028-03-01T04:59:59.999999Z",
        ),
    ];
    for (name, due, due_at) in cases {
        let task = user.create(json!({"title": name, "due": due})).await?;
        ensure!(task["due"] == due, "{name}: stored as {}", task["due"]);
        ensure!(
            task["due_at"] == due_at,
            "{name}: {} instead of {due_at}",
            task["due_at"]
        );
    }
    Ok(())
}
