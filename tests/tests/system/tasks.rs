//! One task over HTTP: creating, reading, replacing, patching, completing, deleting, and their conditions.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::client::{Calls, Person, number, text};
use tests::stage::{SOON, World};
use tests::wait;
use uuid::Uuid;

fn path(task: &Value) -> Result<String> {
    Ok(format!("/api/tasks/{}", text(task, "id")?))
}

async fn read(person: &Person, task: &Value) -> Result<Value> {
    person.get(&path(task)?).send().await?.expect(200)?.json()
}

pub async fn create_and_read(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let id = Uuid::now_v7().to_string();
    let fields = json!({"id": id, "title": "Water the plants 🌱", "description": "All \"of\" them\n", "priority": "high",
        "tags": ["home", "grün"], "due": {"date": "2026-03-01"}});
    let answer = person
        .post("/api/tasks")
        .json(&fields)
        .send()
        .await?
        .expect(201)?;
    ensure!(
        answer
            .header("location")
            .is_some_and(|to| to.ends_with(&format!("/api/tasks/{id}"))),
        "{:?}",
        answer.headers
    );
    ensure!(
        answer.header("etag") == Some("\"1\""),
        "{:?}",
        answer.headers
    );
    let task = answer.json()?;
    for member in ["id", "title", "description", "priority", "tags", "due"] {
        ensure!(task[member] == fields[member], "{member} of {task}");
    }
    ensure!(
        task["status"] == "open" && task["version"] == 1 && task["completed_at"].is_null(),
        "{task}"
    );
    ensure!(
        task["due_at"] == "2026-03-01T23:59:59.999999Z",
        "a date ends with its last microsecond: {task}"
    );
    ensure!(
        read(&person, &task).await? == task,
        "GET differs from what POST answered"
    );
    let plain = person.create(json!({"title": "Only a title"})).await?;
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
            "{member} is present and null: {plain}"
        );
    }
    Ok(())
}

pub async fn conditions(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = person.create(json!({"title": "One"})).await?;
    let path = path(&task)?;
    let same = person
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
        person
            .get(&path)
            .header("if-none-match", header)
            .send()
            .await?
            .expect(304)?;
    }
    let answer = person
        .patch(&path)
        .if_match(1)
        .json(&json!({"title": "Two"}))
        .send()
        .await?
        .expect(200)?;
    ensure!(
        answer.header("etag") == Some("\"2\"") && answer.json()?["version"] == 2,
        "{:?}",
        answer.headers
    );
    person
        .get(&path)
        .header("if-none-match", "\"1\"")
        .send()
        .await?
        .expect(200)?;
    person
        .patch(&path)
        .header("if-match", "*")
        .json(&json!({"title": "Three"}))
        .send()
        .await?
        .expect(200)?;
    person
        .delete(&path)
        .if_match(1)
        .send()
        .await?
        .problem(412)?;
    person.delete(&path).if_match(3).send().await?.expect(204)?;
    person.get(&path).send().await?.problem(404)?;
    person
        .patch(&path)
        .json(&json!({"title": "Four"}))
        .send()
        .await?
        .problem(404)?;
    Ok(())
}

pub async fn merge_patch(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = person
        .create(json!({"title": "Keep", "description": "old", "tags": ["a", "b"], "due": {"date": "2026-03-01"}, "priority": "low"}))
        .await?;
    let patch = async |body: Value| {
        person
            .patch(&path(&task)?)
            .json(&body)
            .send()
            .await?
            .expect(200)?
            .json()
    };
    let tagged = patch(json!({"tags": ["c"]})).await?;
    ensure!(
        tagged["tags"] == json!(["c"]),
        "a list is replaced as a whole: {tagged}"
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
        "null takes the due away: {cleared}"
    );
    ensure!(
        cleared["description"] == "" && cleared["tags"] == json!([]),
        "null means the default: {cleared}"
    );
    ensure!(
        cleared["priority"] == "medium",
        "null means the default: {cleared}"
    );
    let dated =
        patch(json!({"due": {"datetime": "2026-03-01T09:00:00", "timezone": "Europe/Berlin"}}))
            .await?;
    ensure!(dated["due_at"] == "2026-03-01T08:00:00.000000Z", "{dated}");
    let moved = patch(json!({"due": {"timezone": "America/New_York"}})).await?;
    let wanted = json!({"datetime": "2026-03-01T09:00:00", "timezone": "America/New_York"});
    ensure!(
        moved["due"] == wanted && moved["due_at"] == "2026-03-01T14:00:00.000000Z",
        "a due is merged, too: {moved}"
    );
    let before = number(&read(&person, &task).await?, "version")?;
    let same = patch(json!({})).await?;
    ensure!(
        number(&same, "version")? == before,
        "an empty patch is no change: {same}"
    );
    Ok(())
}

pub async fn put_replaces(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = person
        .create(json!({"title": "Old", "description": "old", "tags": ["a"], "priority": "low"}))
        .await?;
    let answer = person
        .put(&path(&task)?)
        .json(&json!({"title": "New"}))
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        answer["title"] == "New" && answer["description"] == "" && answer["tags"] == json!([]),
        "{answer}"
    );
    ensure!(
        answer["priority"] == "medium" && answer["version"] == 2,
        "{answer}"
    );
    let done = json!({"title": "New", "status": "completed"});
    let done = person
        .put(&path(&task)?)
        .json(&done)
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        done["status"] == "completed" && done["completed_at"].is_string(),
        "PUT completes: {done}"
    );
    Ok(())
}

pub async fn complete_and_reopen(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = person.create(json!({"title": "Do"})).await?;
    let verb = async |verb: &str| {
        person
            .post(&format!("{}/{verb}", path(&task)?))
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
        "completing twice is completing once"
    );
    let open = verb("reopen").await?;
    ensure!(
        open["status"] == "open" && open["version"] == 3 && open["completed_at"].is_null(),
        "{open}"
    );
    ensure!(
        verb("reopen").await? == open,
        "reopening twice is reopening once"
    );
    let patched = person
        .patch(&path(&task)?)
        .json(&json!({"status": "completed"}))
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        patched["completed_at"].is_string(),
        "PATCH completes: {patched}"
    );
    let history = format!("{}/history", path(&task)?);
    let wanted =
        ["created", "completed", "reopened", "completed"].map(|verb| format!("task.{verb}"));
    wait::until("one entry for each change", SOON, async || {
        let entries = person.pages(&history).await?;
        let kinds: Vec<_> = entries
            .iter()
            .rev()
            .map(|entry| entry["type"].clone())
            .collect();
        ensure!(kinds == wanted, "{kinds:?}");
        Ok(Some(()))
    })
    .await
}

pub async fn idempotency(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let key = Uuid::new_v4().to_string();
    let send = async |fields: Value| {
        person
            .post("/api/tasks")
            .key(&key)
            .json(&fields)
            .send()
            .await
    };
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
            "the replay's {header} differs"
        );
    }
    send(json!({"title": "Twice"})).await?.problem(422)?;
    let other = world.api.newcomer("UTC").await?;
    let theirs = other
        .post("/api/tasks")
        .key(&key)
        .json(&json!({"title": "Once"}))
        .send()
        .await?
        .expect(201)?;
    ensure!(
        theirs.header("idempotency-replayed").is_none(),
        "a key belongs to one person"
    );
    ensure!(
        person.pages("/api/tasks").await?.len() == 1,
        "one key made two tasks"
    );
    Ok(())
}

pub async fn dues(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("America/New_York").await?;
    let berlin = |local: &str| json!({"datetime": local, "timezone": "Europe/Berlin"});
    let cases = [
        (
            "a date ends with the day where its owner lives",
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
        let task = person.create(json!({"title": name, "due": due})).await?;
        ensure!(task["due"] == due, "{name}: kept as {}", task["due"]);
        ensure!(
            task["due_at"] == due_at,
            "{name}: {} instead of {due_at}",
            task["due_at"]
        );
    }
    Ok(())
}
