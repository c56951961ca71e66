//! The matches of a search, and their order.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::client::{Requests, User, escape, text};
use tests::fixture::Fixture;

use crate::lists::titles;

/// The titles that a search finds, in order.
pub(super) async fn found(user: &User, typed: &str) -> Result<Vec<String>> {
    titles(user, &format!("q={}", escape(typed))).await
}

/// Runs all searches and fails with every one that does not find exactly the expected titles, in any order.
pub(super) async fn expect_found(user: &User, cases: &[(&str, &[&str])]) -> Result<()> {
    let mut wrong = Vec::new();
    for (typed, expected) in cases {
        let mut found = found(user, typed).await?;
        found.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        if found != expected {
            wrong.push(format!("{typed:?}: {found:?} instead of {expected:?}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

pub async fn words_and_phrases(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    for task in [
        json!({"title": "Water the plants", "description": "balcony first"}),
        json!({"title": "Call the plumber", "tags": ["water", "urgent call"]}),
        json!({"title": "Plants to order", "description": "no sea water for them"}),
        json!({"title": "Ship order-4711 to user@example.com"}),
        json!({"title": "it's 50% \"done\" & (more) | !less :*"}),
    ] {
        user.create(task).await?;
    }
    let (water, plumber, order) = ("Water the plants", "Call the plumber", "Plants to order");
    let (ship, odd) = (
        "Ship order-4711 to user@example.com",
        "it's 50% \"done\" & (more) | !less :*",
    );
    expect_found(
        &user,
        &[
            ("WATER", &[water, plumber, order]),
            ("wat", &[water, plumber, order]),
            ("w", &[water, plumber, order]),
            ("plants water", &[water, order]),
            ("water plan", &[water, order]),
            ("plumber balcony", &[]),
            ("balc", &[water]),
            ("urgent", &[plumber]),
            ("\"the plants\"", &[water]),
            ("\"plants the\"", &[]),
            ("\"the plant\"", &[]),
            ("\"sea water\" plants", &[order]),
            ("\"water the", &[water, plumber, order]),
            ("water -plumber", &[water, order]),
            ("plants -\"sea water\"", &[water]),
            ("-water", &[ship, odd]),
            ("balcony OR sea", &[water, order]),
            ("balcony OR plumber -urgent", &[water]),
            ("order or", &[order, ship]),
            ("order OR", &[order, ship]),
            ("4711", &[ship]),
            ("order-47", &[ship]),
            ("user@exam", &[ship]),
            ("example", &[ship]),
            ("50%", &[odd]),
            ("it's", &[odd]),
            ("(more)", &[odd]),
            ("water:*", &[water, plumber, order]),
            ("nothing", &[]),
        ],
    )
    .await
}

/// Accents in the text or in the query, non-Latin scripts, scripts without spaces, and matches inside of words.
pub async fn any_script(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let all = [
        "Café am Markt",
        "Cafe in der Stadt",
        "Cafe\u{301} Nord",
        "Zimmerpflanzen gießen",
        "Полить ёлку",
        "植物に水をやる",
        "買い物に行く",
        "给植物浇水",
        "프로젝트계획 검토",
        "รดน้ำต้นไม้",
    ];
    let [
        cafe,
        plain,
        loose,
        pflanzen,
        fir,
        water,
        shop,
        chinese,
        korean,
        thai,
    ] = all;
    for title in all {
        user.create(json!({"title": title})).await?;
    }
    user
        .create(json!({"title": "later", "description": "Blumentopferde, ＡＢＣ und 東京タワー", "tags": ["Großküche"]}))
        .await?;
    expect_found(
        &user,
        &[
            ("cafe", &[cafe, plain, loose]),
            ("CAFÉ", &[cafe, plain, loose]),
            ("cafe\u{301}", &[cafe, plain, loose]),
            ("giessen", &[pflanzen]),
            ("gieß", &[pflanzen]),
            ("елку", &[fir]),
            ("ПОЛИТЬ", &[fir]),
            ("pflanz", &[pflanzen]),
            ("anze", &[pflanzen]),
            ("pflanz gieß", &[pflanzen]),
            ("\"pflanzen\"", &[]),
            ("cafe -pflanz -nord", &[cafe, plain]),
            ("giessen -pflanz", &[]),
            ("giessen -\"pflanzen\"", &[pflanzen]),
            ("topf", &["later"]),
            ("küch", &["later"]),
            ("abc", &["later"]),
            ("水", &[water, chinese]),
            ("水を", &[water]),
            ("水をやる", &[water]),
            ("に", &[water, shop]),
            ("植物", &[water, chinese]),
            ("植物 -浇", &[water]),
            ("\"植物浇\"", &[chinese]),
            ("物植", &[]),
            ("買い物", &[shop]),
            ("東京", &["later"]),
            ("タワー", &["later"]),
            ("계획", &[korean]),
            ("น้ำ", &[thai]),
        ],
    )
    .await
}

/// The order by relevance: title before description before tags, whole words before prefixes, and matches inside of words last.
pub async fn best_match_first(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    for task in [
        json!({"title": "in the title: garden"}),
        json!({"title": "a longer word: gardening"}),
        json!({"title": "inside a word", "description": "Kindergarden"}),
        json!({"title": "described", "description": "to do in the garden"}),
        json!({"title": "tagged", "tags": ["garden"]}),
        json!({"title": "something else"}),
    ] {
        user.create(task).await?;
    }
    let found = found(&user, "garden").await?;
    ensure!(
        found
            == [
                "in the title: garden",
                "described",
                "a longer word: gardening",
                "tagged",
                "inside a word"
            ],
        "{found:?}"
    );
    let worst = titles(&user, "q=garden&order=asc").await?;
    ensure!(
        worst.iter().rev().eq(&found),
        "ascending relevance: {worst:?}"
    );
    let newest = titles(&user, "q=garden&sort=created_at").await?;
    ensure!(
        newest.first().map(String::as_str) == Some("tagged") && newest.len() == 5,
        "by creation time: {newest:?}"
    );
    Ok(())
}

/// A changed task is found by its current text only.
pub async fn changed_tasks_are_found(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "before"})).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    for change in [json!({"title": "after"}), json!({"status": "in_progress"})] {
        user.patch(&path).json(&change).send().await?.expect(200)?;
        expect_found(&user, &[("before", &[]), ("after", &["after"])]).await?;
    }
    user.delete(&path).send().await?.expect(204)?;
    expect_found(&user, &[("after", &[])]).await
}

/// Pagination by relevance during concurrent writes. Most matches have the same rank, so the cursor needs the id as well.
pub async fn pages_of_equal_matches(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let mut stay = BTreeSet::new();
    for number in 0..20 {
        let title = if number % 4 == 0 {
            "apple apple"
        } else {
            "apple"
        };
        stay.insert(text(&user.create(json!({"title": title})).await?, "id")?);
    }
    let mut seen = Vec::new();
    let mut next = Some(String::new());
    while let Some(cursor) = next.take() {
        let path = format!("/api/tasks?q=appl&limit=3{cursor}");
        let page = user.get(&path).send().await?.expect(200)?.json()?;
        for task in page["items"].as_array().context("items")? {
            seen.push(text(task, "id")?);
        }
        next = page["next_cursor"]
            .as_str()
            .map(|cursor| format!("&cursor={}", escape(cursor)));
        user.create(json!({"title": "another apple"})).await?;
        ensure!(seen.len() < 100, "the pages do not end");
    }
    let once: BTreeSet<_> = seen.iter().cloned().collect();
    ensure!(once.len() == seen.len(), "a task is on two pages");
    ensure!(stay.is_subset(&once), "a task is on no page");
    Ok(())
}
