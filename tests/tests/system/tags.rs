//! Tags: counted, renamed, merged, in any script, and renamed by many at once.

use anyhow::{Result, ensure};
use futures::future::join_all;
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{Answer, Calls, Person, escape, number, text};
use tests::stage::World;

async fn counted(person: &Person, query: &str) -> Result<Vec<(String, i64)>> {
    let items = person.pages(&format!("/api/tags{query}")).await?;
    let pair = |item: &Value| Ok((text(item, "tag")?, number(item, "count")?));
    items.iter().map(pair).collect()
}

async fn rename(person: &Person, tag: &str, name: &str) -> Result<Answer> {
    let path = format!("/api/tags/{}", escape(tag));
    person
        .patch(&path)
        .json(&json!({"name": name}))
        .send()
        .await
}

async fn tagged(person: &Person, tags: &[&str]) -> Result<Value> {
    person
        .create(json!({"title": "Tagged", "tags": tags}))
        .await
}

async fn tags_of(person: &Person, task: &Value) -> Result<Value> {
    let path = format!("/api/tasks/{}", text(task, "id")?);
    Ok(person.get(&path).send().await?.expect(200)?.json()?["tags"].clone())
}

pub async fn tags_are_counted(world: &mut World) -> Result<()> {
    let (person, other) = (
        world.api.newcomer("UTC").await?,
        world.api.newcomer("UTC").await?,
    );
    ensure!(
        counted(&person, "").await?.is_empty(),
        "there are no tags yet"
    );
    for status in ["open", "in_progress", "completed", "cancelled"] {
        let task = json!({"title": "x", "status": status, "tags": ["home", status]});
        person.create(task).await?;
    }
    tagged(&person, &["Zoo", "éclair", "買い物", "a b", "home"]).await?;
    tagged(&other, &["theirs", "home"]).await?;
    let gone = tagged(&person, &["gone", "home"]).await?;
    let path = format!("/api/tasks/{}", text(&gone, "id")?);
    person.delete(&path).send().await?.expect(204)?;
    let wanted = [
        ("Zoo", 1),
        ("a b", 1),
        ("cancelled", 1),
        ("completed", 1),
        ("home", 5),
        ("in_progress", 1),
        ("open", 1),
        ("éclair", 1),
        ("買い物", 1),
    ]
    .map(|(tag, count)| (tag.to_owned(), count));
    for query in ["", "?limit=1", "?limit=4", "?limit=9"] {
        let found = counted(&person, query).await?;
        ensure!(found == wanted, "{query}: {found:?}");
    }
    person
        .post(&format!("{path}/restore"))
        .send()
        .await?
        .expect(200)?;
    let found = counted(&person, "").await?;
    ensure!(
        found.contains(&("gone".to_owned(), 1)) && found.contains(&("home".to_owned(), 6)),
        "a restored task counts again: {found:?}"
    );
    let first = person
        .get("/api/tags?limit=1")
        .send()
        .await?
        .expect(200)?
        .json()?;
    let cursor = escape(&text(&first, "next_cursor")?);
    let foreign = other
        .get(&format!("/api/tags?cursor={cursor}"))
        .send()
        .await?;
    foreign.problem(422)?;
    Ok(())
}

pub async fn a_tag_is_renamed(world: &mut World) -> Result<()> {
    let (person, other) = (
        world.api.newcomer("UTC").await?,
        world.api.newcomer("UTC").await?,
    );
    let task = tagged(&person, &["b", "home", "a"]).await?;
    let bystander = tagged(&person, &["b"]).await?;
    let theirs = tagged(&other, &["home"]).await?;
    let answer = rename(&person, "home", "house")
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        answer == json!({"tag": "house", "count": 1, "merged": false}),
        "{answer}"
    );
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let changed = person.get(&path).send().await?.expect(200)?.json()?;
    ensure!(
        changed["tags"] == json!(["b", "house", "a"])
            && changed["version"] == 2
            && number(&changed, "seq")? == number(&bystander, "seq")? + 1
            && changed["updated_at"] != task["updated_at"],
        "{changed}"
    );
    let found = person.pages("/api/tasks?tag=house").await?;
    ensure!(found == [changed.clone()], "{found:?}");
    ensure!(
        tags_of(&other, &theirs).await? == json!(["home"]),
        "somebody else's tag is renamed"
    );
    for same in [1, 2] {
        let answer = rename(&person, "house", "house")
            .await?
            .expect(200)?
            .json()?;
        ensure!(
            answer == json!({"tag": "house", "count": 1, "merged": false}),
            "{same}: {answer}"
        );
    }
    rename(&person, "home", "house").await?.problem(404)?;
    rename(&person, "nothing", "nothing").await?.problem(404)?;
    rename(&person, "house", "").await?.problem(422)?;
    rename(&person, "house", &"x".repeat(65))
        .await?
        .problem(422)?;
    person.delete(&path).send().await?.expect(204)?;
    rename(&person, "house", "home").await?.problem(404)?;
    let people = [person, other];
    Checker::new(&world.database, &people).gapless().await?;
    let [person, _] = &people;
    let renamed = person.pages("/api/audit?type=task.updated").await?;
    ensure!(renamed.len() == 1, "{} entries", renamed.len());
    let data = &renamed[0]["event"]["data"];
    ensure!(
        data["previous"] == json!({"tags": ["b", "home", "a"]}) && data["task"] == changed,
        "{data}"
    );
    Ok(())
}

pub async fn a_tag_is_merged(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let old = tagged(&person, &["x", "old", "y"]).await?;
    let both = tagged(&person, &["old", "x", "new", "y"]).await?;
    let new = tagged(&person, &["y", "new"]).await?;
    let answer = rename(&person, "old", "new").await?.expect(200)?.json()?;
    ensure!(
        answer == json!({"tag": "new", "count": 3, "merged": true}),
        "{answer}"
    );
    for (task, wanted) in [
        (&old, json!(["x", "new", "y"])),
        (&both, json!(["x", "new", "y"])),
        (&new, json!(["y", "new"])),
    ] {
        let tags = tags_of(&person, task).await?;
        ensure!(tags == wanted, "{tags} instead of {wanted}");
    }
    let people = [person];
    Checker::new(&world.database, &people).gapless().await
}

/// A tag is any text; in a path it is percent-encoded.
pub async fn tags_of_any_script(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let tags = [
        "a/b",
        "100%",
        "c+d e",
        "買い物",
        "דואר",
        "🌱",
        "?#&=",
        "...",
        "%2F",
        "quo\"te\\",
    ];
    tagged(&person, &tags).await?;
    for tag in tags {
        let name = format!("{tag}/{tag}");
        let answer = rename(&person, tag, &name).await?.expect(200)?.json()?;
        ensure!(answer["tag"] == name && answer["count"] == 1, "{answer}");
    }
    let mut wanted = tags.map(|tag| (format!("{tag}/{tag}"), 1)).to_vec();
    wanted.sort();
    let found = counted(&person, "?limit=3").await?;
    ensure!(found == wanted, "{found:?}");
    for path in ["%ff", "%00", "%", "a/b"] {
        let call = person.patch(&format!("/api/tags/{path}"));
        call.json(&json!({"name": "x"}))
            .send()
            .await?
            .problem(404)?;
    }
    Ok(())
}

/// Renames to and fro beside new tasks: each change is told once and each has its number.
pub async fn renames_race(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    for _ in 0..5 {
        tagged(&person, &["one", "two"]).await?;
        tagged(&person, &["two"]).await?;
    }
    let renames = join_all((0..12).map(|turn| match turn % 2 {
        0 => rename(&person, "one", "two"),
        _ => rename(&person, "two", "one"),
    }));
    let creates = join_all((0..12).map(|_| tagged(&person, &["one", "two"])));
    let (renames, creates) = tokio::join!(renames, creates);
    for answer in renames {
        let answer = answer?;
        if answer.status != 404 {
            answer.expect(200)?;
        }
    }
    creates.into_iter().collect::<Result<Vec<_>>>()?;
    let tasks = person.pages("/api/tasks?limit=200").await?;
    for task in &tasks {
        let tags = task["tags"].as_array().map(Vec::len);
        ensure!(
            tags == Some(1) || task["tags"] == json!(["one", "two"]),
            "{task}"
        );
    }
    ensure!(tasks.len() == 22, "{} tasks", tasks.len());
    let people = [person];
    Checker::new(&world.database, &people).gapless().await
}
