//! Highlights of matches, and queries that must not be an error.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::client::{Requests, escape};
use tests::fixture::Fixture;

pub async fn highlights(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let script = "<script>alert('water & more')</script>";
    user.create(json!({"title": script, "description": "a \"Wassereimer\" and Café"}))
        .await?;
    user.create(json!({"title": "other", "tags": ["water"]}))
        .await?;
    let cases = [
        (
            "water script",
            json!({"title": "&lt;<mark>script</mark>&gt;alert(&#39;<mark>water</mark> &amp; more&#39;)&lt;/<mark>script</mark>&gt;"}),
        ),
        (
            "eimer",
            json!({"description": "a &quot;Wasser<mark>eimer</mark>&quot; and Café"}),
        ),
        (
            "CAFE",
            json!({"description": "a &quot;Wassereimer&quot; and <mark>Café</mark>"}),
        ),
        ("other -eimer", json!({"title": "<mark>other</mark>"})),
        ("-script", json!({"title": "other"})),
    ];
    for (typed, expected) in cases {
        let path = format!("/api/tasks?highlight=true&q={}", escape(typed));
        let page = user.get(&path).send().await?.expect(200)?.json()?;
        let shown = page.pointer("/items/0/highlights");
        ensure!(shown == Some(&expected), "{typed}: {page}");
    }
    let page = |query: &str| user.get(&format!("/api/tasks?q=water{query}"));
    let marked = page("&highlight=true&sort=created_at")
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        marked.pointer("/items/0/highlights") == Some(&json!({"tags": ["<mark>water</mark>"]})),
        "a match in a tag is not marked: {marked}"
    );
    let plain = page("").send().await?.expect(200)?.json()?;
    ensure!(
        plain
            .pointer("/items/0")
            .is_some_and(|task| task.get("highlights").is_none()),
        "there are highlights that were not requested: {plain}"
    );
    let long = format!(
        "{}water {}",
        "many words ".repeat(200),
        "and more ".repeat(200)
    );
    user.create(json!({"title": "long", "description": long}))
        .await?;
    let page = page("&highlight=true&limit=1&sort=created_at")
        .send()
        .await?
        .expect(200)?
        .json()?;
    let fragment = page
        .pointer("/items/0/highlights/description")
        .and_then(Value::as_str);
    ensure!(
        fragment.is_some_and(|text| text.len() < 300
            && text.starts_with('…')
            && text.contains("<mark>water</mark>")),
        "the highlight is not a fragment around the match: {page}"
    );
    Ok(())
}

/// No text is a syntax error, whatever it means to the parsers of Postgres or to those of other search engines.
pub async fn any_query_is_accepted(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    user.create(json!({"title": "100% \\ _ 'quoted' <-> (a & b) | !c :* 🎉 שלום"}))
        .await?;
    // Folding makes this word four times as long, which is more than a tsquery can hold.
    let long = "\u{fdf2}".repeat(300);
    let mut typed: Vec<String> = [
        long.as_str(),
        &format!("{long}-abc"),
        &format!("{long} -abc"),
        &format!("abc-{long}"),
        &format!("-{long}.abc"),
        &format!("\"{long} abc\""),
        &format!("{} abc", "\u{fdfa}".repeat(480)),
        "&",
        "|",
        "!",
        ":",
        "*",
        "(",
        ")",
        "<->",
        "<2>",
        "a & b",
        "a | b",
        "!a",
        "a:*",
        "a:ABCD",
        "a <-> b",
        "(a",
        "a)",
        "()",
        "'",
        "''",
        "\"",
        "\"\"\"",
        "\"a",
        "a\"",
        "\"a b\" \"",
        "-",
        "--",
        "-a",
        "-\"",
        "-\"a b\"",
        "- a",
        "-a -b",
        "or",
        "or or",
        "a or",
        "or a",
        "a or or b",
        "-a or -b",
        "%",
        "_",
        "\\",
        "\\\\",
        "\\'",
        "a\\",
        "'a",
        "~a",
        "~ab:*",
        "🎉",
        "👩‍👩‍👧",
        "שלום",
        "\u{202e}abc",
        "مرحبا",
        "\u{300}",
        "e\u{301}\u{301}",
        "ß",
        "İ",
        "ﬁ",
        "\u{feff}",
        "\u{1}",
        "\t\n a",
        "$1",
        "{}",
        "{a,b}",
        "null",
        "+a",
        "*a",
        "1e5",
        "1e5abc",
        "-1.5",
        "http://a.b/c?d=e",
        "<a href='x'>",
        "&amp;",
        "<b",
        "a/b",
        "https://",
        "@",
        "#tag",
        "c++",
        "\u{10ffff}",
        "\u{fffd}",
        "\u{3000}水",
    ]
    .map(str::to_owned)
    .to_vec();
    for unit in [
        "a", "a ", "水", "& ", "-a ", "a or ", "\"", "\"a\" ", "\\", "🎉", "'", "é", "เ",
    ] {
        typed.push(unit.chars().cycle().take(500).collect());
    }
    let mut wrong = Vec::new();
    for text in &typed {
        for rest in [
            "",
            "&highlight=true",
            "&sort=title",
            "&sort=relevance&order=asc",
        ] {
            let blank = text.trim().is_empty();
            let path = format!("/api/tasks?q={}{rest}", escape(text));
            let status = user.get(&path).send().await?.status.as_u16();
            if status != if blank { 422 } else { 200 } {
                wrong.push(format!("{text:.40?}{rest}: {status}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    user.get(&format!("/api/tasks?q={}", "a".repeat(501)))
        .send()
        .await?
        .problem(422)?;
    Ok(())
}
