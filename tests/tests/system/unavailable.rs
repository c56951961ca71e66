//! A database that cannot do the work: 503 if the request may succeed later, 500 if a statement is broken.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::client::{Requests, Response, User};
use tests::fixture::Fixture;
use tests::wait;

async fn create(user: &User, title: &str) -> Result<Response> {
    let request = user.post("/api/tasks").json(&json!({ "title": title }));
    request.send().await
}

fn may_be_repeated(response: Response) -> Result<()> {
    ensure!(
        response.header("retry-after").is_some(),
        "no Retry-After in {response:?}"
    );
    response.problem(503)?;
    Ok(())
}

async fn writes_succeed_again(user: &User) -> Result<()> {
    wait::until("a write succeeds", Duration::from_secs(60), async || {
        create(user, "again").await?.expect(201).map(Some)
    })
    .await?;
    Ok(())
}

/// As after a failover to a server that is still in recovery.
pub async fn a_read_only_database(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let database = &fixture.database;
    database
        .batch_execute(include_str!("../../sql/set_api_read_only.sql"))
        .await?;
    may_be_repeated(create(&user, "not now").await?)?;
    // The connection is one that began after the change, and so is every other from here on.
    may_be_repeated(create(&user, "not now").await?)?;
    database
        .batch_execute(include_str!("../../sql/restore_api_settings.sql"))
        .await?;
    writes_succeed_again(&user).await
}

pub async fn a_statement_timeout(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    fixture
        .database
        .batch_execute(include_str!("../../sql/set_api_timeout.sql"))
        .await?;
    wait::until("the API reads again", Duration::from_secs(60), async || {
        user.get("/api/auth/me").send().await?.expect(200).map(Some)
    })
    .await?;
    let lock = fixture.database.transaction().await?;
    lock.query(include_str!("../../sql/lock_user.sql"), &[&user.id])
        .await?;
    let response = create(&user, "waits for the lock").await;
    lock.rollback().await?;
    may_be_repeated(response?)?;
    fixture
        .database
        .batch_execute(include_str!("../../sql/restore_api_settings.sql"))
        .await?;
    writes_succeed_again(&user).await
}

pub async fn a_broken_statement(fixture: &mut Fixture) -> Result<()> {
    fixture.expect_error("request failed");
    let user = fixture.api.new_user("UTC").await?;
    let database = &fixture.database;
    database
        .batch_execute(include_str!("../../sql/refuse_a_title.sql"))
        .await?;
    let broken = create(&user, "broken").await;
    database
        .batch_execute(include_str!("../../sql/accept_every_title.sql"))
        .await?;
    let broken = broken?;
    ensure!(
        broken.header("retry-after").is_none(),
        "a Retry-After in {broken:?}"
    );
    broken.problem(500)?;
    create(&user, "broken").await?.expect(201)?;
    Ok(())
}
