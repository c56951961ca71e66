//! Who is to blame when appending fails: an event, which the bridge then retries alone, or nobody.

use anyhow::Result;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::support::{Trail, all_done, events, try_append};

/// From now on appends fail with the SQLSTATE in the setting `test.sqlstate` of their session.
async fn fail_appends(trail: &Trail) -> Result<()> {
    let function = include_str!("sql/fail_append.sql");
    trail.owner.batch_execute(function).await?;
    let trigger = include_str!("sql/fail_appends.sql");
    Ok(trail.owner.batch_execute(trigger).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_an_event_causes_are_outcomes() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    trail.append(&events(user, 2)).await?;
    let frame = serde_json::to_string(&events(user, 3))?;
    fail_appends(&trail).await?;
    for code in [
        "22003", "23502", "23505", "23514", "44000", "54000", "P0001",
    ] {
        trail
            .owner
            .batch_execute(&format!("set test.sqlstate = '{code}'"))
            .await?;
        let refused = try_append(&trail.owner, &frame).await?;
        let expected = (code.to_owned(), "failed for a test".to_owned());
        assert_eq!(refused, Err(expected));
    }
    assert_eq!(trail.count("audit_logs").await?, 2);
    trail
        .owner
        .batch_execute("drop trigger fail_append on audit_logs")
        .await?;
    let recorded = try_append(&trail.owner, &frame).await?;
    assert!(recorded.is_ok_and(|results| all_done(&results)));
    let verdict = trail.verify(user).await?;
    assert_eq!(
        (&verdict["ok"], &verdict["checked"]),
        (&true.into(), &5.into())
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_nested_too_deeply_is_to_blame() -> Result<()> {
    let trail = Trail::new().await?;
    let deep = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    let refused = try_append(&trail.owner, &deep).await?;
    let (code, reason) = refused.expect_err("it cannot be parsed");
    assert_eq!(code, "54001", "{reason}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_no_event_causes_are_errors_of_the_statement() -> Result<()> {
    let trail = Trail::new().await?;
    let frame = serde_json::to_string(&events(Uuid::new_v4(), 3))?;
    fail_appends(&trail).await?;
    for code in [
        "53100", "53200", "53300", "57014", "57P01", "42501", "42P01", "40001", "40P01", "55P03",
        "25006", "58030", "XX000",
    ] {
        trail
            .owner
            .batch_execute(&format!("set test.sqlstate = '{code}'"))
            .await?;
        let error = try_append(&trail.owner, &frame).await.expect_err(code);
        assert_eq!(error.code().map(SqlState::code), Some(code));
    }
    assert_eq!(trail.count("audit_logs").await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_waits_too_long_blames_no_event() -> Result<()> {
    let mut trail = Trail::new().await?;
    let agent = trail.client_as("spindle_agent").await?;
    agent
        .batch_execute("set statement_timeout = '100ms'")
        .await?;
    let other = trail.owner.transaction().await?;
    other
        .batch_execute("lock table audit_logs in share row exclusive mode")
        .await?;
    let frame = serde_json::to_string(&events(Uuid::new_v4(), 3))?;
    let error = try_append(&agent, &frame).await.expect_err("it waits");
    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
    other.rollback().await?;
    agent.batch_execute("reset statement_timeout").await?;
    assert!(try_append(&agent, &frame).await?.is_ok());
    Ok(())
}
