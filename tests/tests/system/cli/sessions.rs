//! Signing in and out, and tokens that end.

use std::os::unix::fs::PermissionsExt;

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};
use tests::client::{PASSWORD, Requests};
use tests::fixture::Fixture;
use tests::spindle::Spindle;

/// A wrong password, a server that is away, another account in the same folder, and the end of a session.
pub async fn signing_in_and_out(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let other = fixture.api.new_user("UTC").await?;
    let mut here = Spindle::new(fixture).await?;
    here.run(&["list"])
        .await?
        .expect(3, "you are not signed in")?;
    here.login(&user.email, "wrong password")
        .await?
        .expect(3, "error: ")?;
    here.cut_off();
    here.login(&user.email, PASSWORD)
        .await?
        .expect(4, "cannot be reached")?;
    here.come_back().await?;
    here.login(&user.email, PASSWORD).await?.expect(0, "")?;
    let mode = std::fs::metadata(here.file("session.json"))?
        .permissions()
        .mode();
    ensure!(
        mode & 0o777 == 0o600,
        "others can read the tokens: {mode:o}"
    );
    here.login(&other.email, PASSWORD)
        .await?
        .expect(1, "this folder has the tasks of")?;
    here.json(&["add", "Mine", "--offline"]).await?;
    here.run(&["logout"])
        .await?
        .expect(1, "1 change not sent yet")?;
    let ran = here.login(&user.email, PASSWORD).await?.expect(0, "")?;
    ensure!(ran.stdout.ends_with(", 1 task\n"), "{ran:?}");
    here.json(&["logout"]).await?;
    ensure!(!here.file("tasks.db").exists(), "the copy is still there");
    here.login(&other.email, PASSWORD).await?.expect(0, "")?;
    ensure!(
        here.titles(&[]).await?.is_empty(),
        "tasks of another account"
    );
    Ok(())
}

/// An access token that has ended is refreshed, once for all processes; one that the server refuses, too. A session that has ended keeps
/// what was done.
pub async fn tokens_end(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let here = Spindle::of(fixture, &user).await?;
    let token = |session: &Value| session["tokens"]["refresh_token"].clone();
    let first = here.session()?;
    let mut ended = first.clone();
    ended["tokens"]["ends_at"] = json!(0);
    here.set_session(&ended)?;
    let syncs = (0..4).map(async |_| here.json(&["sync"]).await);
    try_join_all(syncs).await?;
    let second = here.session()?;
    ensure!(token(&second) != token(&first), "not refreshed");
    let mut refused = second.clone();
    refused["tokens"]["access_token"] = json!("x.y.z");
    here.set_session(&refused)?;
    here.json(&["add", "Online"]).await?;
    let third = here.session()?;
    ensure!(token(&third) != token(&second), "not refreshed");
    let count =
        "select count(*) from refresh_tokens where user_id = $1 and replaced_at is not null";
    let refreshed = fixture.database.query_one(count, &[&user.id]).await?;
    let refreshed: i64 = refreshed.get(0);
    ensure!(refreshed == 2, "{refreshed} refreshes instead of 2");

    let body = json!({ "refresh_token": token(&third) });
    fixture
        .api
        .post("/api/auth/logout")
        .json(&body)
        .send()
        .await?
        .expect(204)?;
    let mut ended = third;
    ended["tokens"]["ends_at"] = json!(0);
    here.set_session(&ended)?;
    let added = here.run(&["add", "After the end"]).await?;
    added.expect(0, "1 waiting (the session has ended: `spindle login`)")?;
    here.run(&["sync"])
        .await?
        .expect(3, "the session has ended")?;
    ensure!(here.titles(&[]).await?.len() == 2, "the copy is gone");
    here.login(&user.email, PASSWORD).await?.expect(0, "")?;
    ensure!(
        user.pages("/api/tasks").await?.len() == 2,
        "what waited was not sent"
    );
    Ok(())
}
