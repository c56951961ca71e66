//! Tags: counts, renaming, merging, tags in any script, and concurrent renames.

use anyhow::{Result, ensure};
use futures::future::join_all;
use serde_json::{Value, json};
use tests::checker::Checker;
use tests::client::{Requests, Response, User, escape, number, text};
use tests::fixture::Fixture;

async fn counted(user: &User, query: &str) -> Result<Vec<(String, i64)>> {
    let items = user.pages(&format!("/api/tags{query}")).await?;
    let pair = |item: &Value| Ok((text(item, "tag")?, number(item, "count")?));
    items.iter().map(pair).collect()
}

async fn rename(user: &User, tag: &str, name: &str) -> Result<Response> {
    let path = format!("/api/tags/{}", escape(tag));
    user.patch(&path).json(&json!({"name": name})).send().await
}

async fn tagged(user: &User, tags: &[&str]) -> Result<Value> {
    user.create(json!({"title": "Tagged", "tags": tags})).await
}

async fn tags_of(user: &User, task: &Value) -> Result<Value> {
    let path = format!("/api/tasks/{}", text(task, "id")?);
    Ok(user.get(&path).send().await?.expect(200)?.json()?["tags"].clone())
}

pub async fn tags_are_counted(fixture: &mut Fixture) -> Result<()> {
    let (user, other) = (
        fixture.api.new_user("UTC").await?,
        fixture.api.new_user("UTC").await?,
    );
    ensure!(counted(&user, "").await?.is_empty(), "a new user has tags");
    for status in ["open", "in_progress", "completed", "cancelled"] {
        let task = json!({"title": "x", "status": status, "tags": ["home", status]});
        user.create(task).await?;
    }
    tagged(&user, &["Zoo", "éclair", "買い物", "a b", "home"]).await?;
    tagged(&other, &["theirs", "home"]).await?;
    let gone = tagged(&user, &["gone", "home"]).await?;
    let path = format!("/api/tasks/{}", text(&gone, "id")?);
    user.delete(&path).send().await?.expect(204)?;
    let expected = [
        ("a b", 1),
        ("cancelled", 1),
        ("completed", 1),
        ("éclair", 1),
        ("home", 5),
        ("in_progress", 1),
        ("open", 1),
        ("Zoo", 1),
        ("買い物", 1),
    ]
    .map(|(tag, count)| (tag.to_owned(), count));
    for query in ["", "?limit=1", "?limit=4", "?limit=9"] {
        let found = counted(&user, query).await?;
        ensure!(found == expected, "{query}: {found:?}");
    }
    user.post(&format!("{path}/restore"))
        .send()
        .await?
        .expect(200)?;
    let found = counted(&user, "").await?;
    ensure!(
        found.contains(&("gone".to_owned(), 1)) && found.contains(&("home".to_owned(), 6)),
        "the tags of a restored task are not counted: {found:?}"
    );
    let first = user
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

pub async fn a_tag_is_renamed(fixture: &mut Fixture) -> Result<()> {
    let (user, other) = (
        fixture.api.new_user("UTC").await?,
        fixture.api.new_user("UTC").await?,
    );
    let task = tagged(&user, &["b", "home", "a"]).await?;
    let bystander = tagged(&user, &["b"]).await?;
    let theirs = tagged(&other, &["home"]).await?;
    let response = rename(&user, "home", "house").await?.expect(200)?.json()?;
    ensure!(
        response == json!({"tag": "house", "count": 1, "merged": false}),
        "{response}"
    );
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let changed = user.get(&path).send().await?.expect(200)?.json()?;
    ensure!(
        changed["tags"] == json!(["b", "house", "a"])
            && changed["version"] == 2
            && number(&changed, "seq")? == number(&bystander, "seq")? + 1
            && changed["updated_at"] != task["updated_at"],
        "{changed}"
    );
    let found = user.pages("/api/tasks?tag=house").await?;
    ensure!(found == [changed.clone()], "{found:?}");
    ensure!(
        tags_of(&other, &theirs).await? == json!(["home"]),
        "the tag of another user was renamed"
    );
    for same in [1, 2] {
        let response = rename(&user, "house", "house").await?.expect(200)?.json()?;
        ensure!(
            response == json!({"tag": "house", "count": 1, "merged": false}),
            "{same}: {response}"
        );
    }
    rename(&user, "home", "house").await?.problem(404)?;
    rename(&user, "nothing", "nothing").await?.problem(404)?;
    rename(&user, "house", "").await?.problem(422)?;
    rename(&user, "house", &"x".repeat(65))
        .await?
        .problem(422)?;
    user.delete(&path).send().await?.expect(204)?;
    rename(&user, "house", "home").await?.problem(404)?;
    let users = [user, other];
    Checker::new(&fixture.database, &users)
        .check_sequence_numbers()
        .await?;
    let [user, _] = &users;
    let renamed = user.pages("/api/audit?type=task.updated").await?;
    ensure!(renamed.len() == 1, "{} entries", renamed.len());
    let data = &renamed[0]["event"]["data"];
    ensure!(
        data["previous"] == json!({"tags": ["b", "home", "a"]}) && data["task"] == changed,
        "{data}"
    );
    Ok(())
}

pub async fn a_tag_is_removed(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let one = tagged(&user, &["a", "Home", "b"]).await?;
    let other = tagged(&user, &["home"]).await?;
    let remove = async |tag: &str| user.delete(&format!("/api/tags/{tag}")).send().await;
    remove("HOME").await?.expect(204)?;
    remove("home").await?.problem(404)?;
    ensure!(tags_of(&user, &one).await? == json!(["a", "b"]), "{one}");
    ensure!(tags_of(&user, &other).await? == json!([]), "{other}");
    let path = format!("/api/tasks/{}", text(&other, "id")?);
    let after = user.get(&path).send().await?.expect(200)?.json()?;
    ensure!(number(&after, "version")? == 2, "{after}");
    Ok(())
}

pub async fn tags_are_merged(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let old = tagged(&user, &["x", "old", "y"]).await?;
    let both = tagged(&user, &["old", "x", "new", "y"]).await?;
    let new = tagged(&user, &["y", "new"]).await?;
    let response = rename(&user, "old", "new").await?.expect(200)?.json()?;
    ensure!(
        response == json!({"tag": "new", "count": 3, "merged": true}),
        "{response}"
    );
    for (task, expected) in [
        (&old, json!(["x", "new", "y"])),
        (&both, json!(["x", "new", "y"])),
        (&new, json!(["y", "new"])),
    ] {
        let tags = tags_of(&user, task).await?;
        ensure!(tags == expected, "{tags} instead of {expected}");
    }
    let users = [user];
    Checker::new(&fixture.database, &users)
        .check_sequence_numbers()
        .await
}

/// A tag can be any text. In a path it is percent-encoded.
pub async fn tags_in_any_script(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
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
    tagged(&user, &tags).await?;
    for tag in tags {
        let name = format!("{tag}/{tag}");
        let response = rename(&user, tag, &name).await?.expect(200)?.json()?;
        ensure!(
            response["tag"] == name && response["count"] == 1,
            "{response}"
        );
    }
    let mut expected = tags.map(|tag| (format!("{tag}/{tag}"), 1)).to_vec();
    expected.sort();
    let mut found = counted(&user, "?limit=3").await?;
    found.sort();
    ensure!(found == expected, "{found:?}");
    for path in ["%ff", "%00", "%", "a/b"] {
        let request = user.patch(&format!("/api/tags/{path}"));
        request
            .json(&json!({"name": "x"}))
            .send()
            .await?
            .problem(404)?;
    }
    Ok(())
}

/// Clients rename a tag back and forth while others create tasks. Each change has one event and one sequence number.
pub async fn concurrent_renames(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    for _ in 0..5 {
        tagged(&user, &["one", "two"]).await?;
        tagged(&user, &["two"]).await?;
    }
    let renames = join_all((0..12).map(|turn| match turn % 2 {
        0 => rename(&user, "one", "two"),
        _ => rename(&user, "two", "one"),
    }));
    let creates = join_all((0..12).map(|_| tagged(&user, &["one", "two"])));
    let (renames, creates) = tokio::join!(renames, creates);
    for response in renames {
        let response = response?;
        if response.status != 404 {
            response.expect(200)?;
        }
    }
    creates.into_iter().collect::<Result<Vec<_>>>()?;
    let tasks = user.pages("/api/tasks?limit=200").await?;
    for task in &tasks {
        let tags = task["tags"].as_array().map(Vec::len);
        ensure!(
            tags == Some(1) || task["tags"] == json!(["one", "two"]),
            "{task}"
        );
    }
    ensure!(tasks.len() == 22, "{} tasks", tasks.len());
    let users = [user];
    Checker::new(&fixture.database, &users)
        .check_sequence_numbers()
        .await
}
