//! Titles, tags, names, emails and passwords in people's languages: how they are sorted, trimmed and compared.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::client::{PASSWORD, Requests, User, escape, number, text};
use tests::fixture::Fixture;
use uuid::Uuid;

use super::lists::titles;

pub async fn titles_sort_as_people_do(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let sorted = [
        "10 apples",
        "20 apples",
        "100 apples",
        "Äpfel",
        "apple",
        "éclair",
        "Éclair",
        "eclairs",
        "task 2",
        "Task 2",
        "task 10",
        "Zebra",
        "にほん",
        "日本",
    ];
    let mut mixed = sorted;
    mixed.sort_by_key(|title| title.len() * 7 % 5);
    for title in mixed {
        user.create(json!({ "title": title })).await?;
    }
    for limit in ["", "&limit=1", "&limit=4"] {
        let found = titles(&user, &format!("sort=title{limit}")).await?;
        ensure!(found == sorted, "{limit}: {found:?}");
        let mut found = titles(&user, &format!("sort=title&order=desc{limit}")).await?;
        found.reverse();
        ensure!(found == sorted, "{limit}, descending: {found:?}");
    }
    Ok(())
}

/// White space around a text is removed, and a text that shows nothing is blank.
pub async fn what_nobody_sees(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user
        .create(json!({"title": " \u{3000}Milk\u{200b}\n", "tags": ["\thome "]}))
        .await?;
    ensure!(
        task["title"] == "Milk" && task["tags"] == json!(["home"]),
        "{task}"
    );
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    for blank in [
        "\u{200b}",
        "\u{ad}",
        "\u{2800}",
        " \u{3164}\u{feff}",
        "\u{2060}\t",
    ] {
        for body in [
            json!({ "title": blank }),
            json!({"title": "x", "tags": [blank]}),
        ] {
            user.post("/api/tasks")
                .json(&body)
                .send()
                .await?
                .problem(422)?;
            user.patch(&path).json(&body).send().await?.problem(422)?;
        }
        let named = user
            .patch("/api/auth/me")
            .json(&json!({ "name": blank }))
            .send()
            .await?;
        ensure!(
            named.expect(200)?.json()?["name"] == "",
            "the name {blank:?} is not empty"
        );
    }
    let named = user
        .patch("/api/auth/me")
        .json(&json!({"name": " Ada\u{a0}"}))
        .send()
        .await?;
    ensure!(
        named.expect(200)?.json()?["name"] == "Ada",
        "a name is not trimmed"
    );
    // An emoji ends with an invisible selector, which belongs to it.
    let emoji = user.create(json!({"title": "❤\u{fe0f}"})).await?;
    ensure!(emoji["title"] == "❤\u{fe0f}", "{emoji}");
    Ok(())
}

async fn tags(user: &User) -> Result<Value> {
    Ok(user.get("/api/tags").send().await?.expect(200)?.json()?["items"].clone())
}

/// Tags that differ only in case or in the way accents are typed are one tag, which is shown as it was written first.
pub async fn one_tag_in_any_case(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let tagged =
        async |title: &str, tags: &[&str]| user.create(json!({"title": title, "tags": tags})).await;
    let first = tagged("1", &["Home", "caf\u{e9}", "HOME", "Straße"]).await?;
    ensure!(
        first["tags"] == json!(["Home", "caf\u{e9}", "Straße"]),
        "{first}"
    );
    tagged("2", &["home", "CAFE\u{301}"]).await?;
    tagged("3", &["STRASSE", "hOme"]).await?;
    ensure!(
        tags(&user).await?
            == json!([{"tag": "caf\u{e9}", "count": 2}, {"tag": "Home", "count": 3}, {"tag": "Straße", "count": 2}]),
        "{}",
        tags(&user).await?
    );
    for (query, found) in [
        ("tag=HOME", "1 2 3"),
        ("tag=home&tag=Caf\u{e9}", "1 2"),
        ("tag_any=cafe\u{301}&tag_any=strasse", "1 2 3"),
        ("tag=%20home%20", "1 2 3"),
        ("tag=hom", ""),
    ] {
        let query = query
            .replace('\u{e9}', "%C3%A9")
            .replace('\u{301}', "%CC%81");
        let titles = titles(&user, &format!("{query}&sort=title"))
            .await?
            .join(" ");
        ensure!(titles == found, "{query}: {titles}");
    }
    // A task keeps its spelling, so nothing changes here.
    let path = format!("/api/tasks/{}", text(&first, "id")?);
    let again = json!({"tags": ["HOME", "Cafe\u{301}", "straße"]});
    let same = user
        .patch(&path)
        .json(&again)
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(same == first, "{same}");

    let rename = async |tag: &str, name: &str| {
        let path = format!("/api/tags/{}", escape(tag));
        user.patch(&path)
            .json(&json!({ "name": name }))
            .send()
            .await
    };
    let renamed = rename("HOME", "house").await?.expect(200)?.json()?;
    ensure!(
        renamed == json!({"tag": "house", "count": 3, "merged": false}),
        "{renamed}"
    );
    let merged = rename("house", "CAFÉ").await?.expect(200)?.json()?;
    ensure!(
        merged == json!({"tag": "CAFÉ", "count": 3, "merged": true}),
        "{merged}"
    );
    // The task had this tag already, as it was written first.
    let task = user.get(&path).send().await?.expect(200)?.json()?;
    ensure!(task["tags"] == json!(["café", "Straße"]), "{task}");
    // A new spelling of the same tag.
    let respelled = rename("café", "Café").await?.expect(200)?.json()?;
    ensure!(
        respelled == json!({"tag": "Café", "count": 3, "merged": false}),
        "{respelled}"
    );
    let version = number(
        &user.get(&path).send().await?.expect(200)?.json()?,
        "version",
    )?;
    rename("CAFE\u{301}", "Café").await?.expect(200)?;
    let task = user.get(&path).send().await?.expect(200)?.json()?;
    ensure!(
        number(&task, "version")? == version,
        "an equal spelling changed a task: {task}"
    );
    rename("home", "x").await?.problem(404)?;
    Ok(())
}

/// Emails and passwords are compared as RFC 8265 says.
pub async fn emails_and_passwords_in_any_form(fixture: &mut Fixture) -> Result<()> {
    let api = fixture.api.clone();
    let unique = Uuid::new_v4().simple().to_string();
    let register = async |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password });
        api.post("/api/auth/register").json(&body).send().await
    };
    let login = async |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password });
        api.post("/api/auth/login").json(&body).send().await
    };
    let email = format!("Jose\u{301}.{unique}@example.org");
    let password = "cafe\u{301} au\u{a0}lait";
    let account = register(&email, password).await?.expect(201)?.json()?;
    ensure!(
        account["email"] == format!("jos\u{e9}.{unique}@example.org"),
        "{account}"
    );
    for typed in [
        format!("jos\u{e9}.{unique}@example.org"),
        format!("JOSE\u{301}.{unique}@EXAMPLE.ORG"),
        format!("\u{ff4a}os\u{e9}.{unique}@example.org"),
    ] {
        login(&typed, "caf\u{e9} au lait").await?.expect(200)?;
        register(&typed, PASSWORD).await?.problem(409)?;
    }
    login(&email, "cafe au lait").await?.problem(401)?;
    register(&format!("a\u{200b}.{unique}@example.org"), PASSWORD)
        .await?
        .problem(422)?;
    Ok(())
}
