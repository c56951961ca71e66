//! Searches in long texts and in several fields: phrases, long fragments, alternatives, and searches that many tasks match.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{Requests, User};
use tests::fixture::Fixture;

use super::found::expect_found;
use crate::lists::titles;

/// A phrase does not extend from one field into the next, or from one tag into the next.
pub async fn phrases_in_one_field(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    user.create(json!({"title": "alpha beta", "description": "gamma 北", "tags": ["京 delta", "epsilon zeta"]}))
        .await?;
    let all: &[&str] = &["alpha beta"];
    expect_found(
        &user,
        &[
            ("\"alpha beta\"", all),
            ("\"epsilon zeta\"", all),
            ("\"beta gamma\"", &[]),
            ("\"beta 京\"", &[]),
            ("\"gamma 京\"", &[]),
            ("北京", &[]),
            ("\"delta epsilon\"", &[]),
            ("\"zeta gamma\"", &[]),
            ("beta-gamma", &[]),
            ("beta gamma", all),
            ("alpha -\"beta gamma\"", all),
        ],
    )
    .await
}

/// Phrases and exclusions look at the whole of a long text.
pub async fn late_in_a_long_text(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let many = format!("{}the end is near", "the word ".repeat(400));
    let characters = format!("{}東京タワー", "水".repeat(17_000));
    let late = format!("{}Kindergarten close-by", "filler text ".repeat(1_500));
    for (title, description) in [("many", many), ("characters", characters), ("late", late)] {
        user.create(json!({"title": title, "description": description}))
            .await?;
    }
    expect_found(
        &user,
        &[
            ("\"the end\"", &["many"]),
            ("\"end the\"", &[]),
            ("\"is near\"", &["many"]),
            ("many -\"the end\"", &[]),
            ("many -\"the near\"", &["many"]),
            ("東京", &["characters"]),
            ("東タ", &[]),
            ("characters -東京", &[]),
            ("\"水東京\"", &["characters"]),
            ("kindergart", &["late"]),
            ("\"kindergarten close\"", &["late"]),
            ("filler -close-by", &[]),
        ],
    )
    .await
}

/// A long fragment must match as a whole.
pub async fn long_fragments(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let ship = "Donaudampfschifffahrtsgesellschaftskapitän";
    let code = "id 0123456789abcdefghijklmnopqrstuvwxyz";
    for title in [ship, code] {
        user.create(json!({"title": title})).await?;
    }
    expect_found(
        &user,
        &[
            ("donaudampfschifffahrtsgesellschaft", &[ship]),
            ("dampfschifffahrtsgesellschaftskapitan", &[ship]),
            ("dampfschifffahrtsgesellschaftsdirektor", &[]),
            ("donaudampfschifffahrtsgesellig", &[]),
            ("456789abcdefghijklmnopqrstuvw", &[code]),
            ("456789abcdefghijklmnopqrstXYZ", &[]),
            ("id -456789abcdefghijklmnopqrstXYZ", &[code]),
            ("\"0123456789abcdefghijklmnopqrst\"", &[]),
        ],
    )
    .await
}

/// Only `OR` in capital letters separates alternatives.
pub async fn or_is_an_operator_in_capitals(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    for title in ["tea or coffee", "tea", "coffee", "Or Yehuda"] {
        user.create(json!({"title": title})).await?;
    }
    expect_found(
        &user,
        &[
            ("tea or coffee", &["tea or coffee"]),
            ("tea Or coffee", &["tea or coffee"]),
            ("tea OR coffee", &["tea or coffee", "tea", "coffee"]),
            ("or", &["tea or coffee", "Or Yehuda"]),
            ("OR yehuda", &["Or Yehuda"]),
            ("tea -coffee OR yehuda", &["tea", "Or Yehuda"]),
        ],
    )
    .await
}

/// Relevance ranks the newest 1,000 matches and says so. Other orders list all matches.
pub async fn many_matches(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    user.create(json!({"title": "apple 0000 oldest"})).await?;
    for batch in 0..11 {
        let operations: Vec<Value> = (0..100)
            .map(|number| {
                let title = format!("apple {:04}", batch * 100 + number + 1);
                json!({"op": "create", "task": {"title": title}})
            })
            .collect();
        user.post("/api/tasks/batch")
            .json(&json!({"operations": operations}))
            .send()
            .await?
            .expect(200)?;
    }
    let all = titles(&user, "q=apple&sort=title&limit=200").await?;
    ensure!(
        all.len() == 1101 && all.is_sorted(),
        "an ordered search lists {} of 1,101 matches",
        all.len()
    );
    let best = titles(&user, "q=apple&limit=200").await?;
    ensure!(
        best.len() == 1000 && !best.contains(&"apple 0000 oldest".to_owned()),
        "relevance lists {} matches",
        best.len()
    );
    for (query, ranked) in [("q=apple", 1000), ("q=oldest", 1), ("q=nothing", 0)] {
        let page = user
            .get(&format!("/api/tasks?{query}"))
            .send()
            .await?
            .expect(200)?
            .json()?;
        ensure!(
            page.get("ranked") == Some(&json!({"matches": ranked, "limit": 1000})),
            "{query}: {:?}",
            page.get("ranked")
        );
    }
    let page = user
        .get("/api/tasks?q=apple&sort=title")
        .send()
        .await?
        .expect(200)?
        .json()?;
    page.get("items").context("items")?;
    ensure!(
        page.get("ranked").is_none(),
        "an ordered search is not ranked: {page}"
    );
    best_of_many_matches(&user).await?;
    ranked_of_a_few(&fixture.api.new_user("UTC").await?).await
}

/// The newest of a thousand matches is not among the best ones, so it comes last. A page that needs only the best ones does not lose it.
async fn best_of_many_matches(user: &User) -> Result<()> {
    let newest = json!({"title": "pear", "description": "to graft on an apple tree"});
    user.create(newest).await?;
    let apples = (102..=1100)
        .rev()
        .map(|number| format!("apple {number:04}"));
    let expected: Vec<String> = apples.chain(["pear".to_owned()]).collect();
    let listed = titles(user, "q=apple&limit=100").await?;
    ensure!(listed == expected, "pages of relevance: {listed:?}");
    Ok(())
}

/// A first page of the best matches does not hide how few there are.
async fn ranked_of_a_few(user: &User) -> Result<()> {
    for _ in 0..2 {
        let create = json!({"op": "create", "task": {"title": "cherry"}});
        user.post("/api/tasks/batch")
            .json(&json!({"operations": vec![create; 100]}))
            .send()
            .await?
            .expect(200)?;
    }
    let page = user
        .get("/api/tasks?q=cherry&limit=20")
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        page["ranked"]["matches"] == 200,
        "ranked of 200 matches: {}",
        page["ranked"]
    );
    Ok(())
}
