//! Permissions: nobody can change or delete entries, and each role may do only what it needs.

use anyhow::Result;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::support::{Trail, events};

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_cannot_change_entries_in_any_table() -> Result<()> {
    let trail = Trail::new().await?;
    trail.append(&events(Uuid::new_v4(), 3)).await?;
    trail.maintain().await?;
    trail.append(&events(Uuid::new_v4(), 3)).await?;
    let tables = trail.tables().await?;
    assert!(
        tables.len() >= 5,
        "the parent, the default partition, and three months"
    );
    for replication in ["origin", "replica"] {
        trail
            .owner
            .batch_execute(&format!("set session_replication_role = {replication}"))
            .await?;
        for table in &tables {
            for statement in [
                format!("update {table} set type = 'x'"),
                format!("update {table} set type = 'x' where false"),
                format!("delete from {table}"),
                format!("truncate {table}"),
                format!(
                    "merge into {table} l using users u on l.user_id = u.id when matched then delete"
                ),
                format!(
                    "with deleted as (delete from {table} returning 1) select count(*) from deleted"
                ),
            ] {
                let error = trail
                    .owner
                    .execute(&statement, &[])
                    .await
                    .expect_err(&statement);
                assert_eq!(
                    error.code(),
                    Some(&SqlState::INSUFFICIENT_PRIVILEGE),
                    "{statement}: {error:?}"
                );
            }
        }
    }
    assert_eq!(trail.count("audit_logs").await?, 6);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_do_only_what_it_needs() -> Result<()> {
    let trail = Trail::new().await?;
    for (role, statement, allowed) in [
        ("spindle_agent", "select audit_append('[]')", true),
        (
            "spindle_agent",
            "select * from audit_append_frame('[]')",
            true,
        ),
        ("spindle_agent", "select count(*) from audit_logs", false),
        ("spindle_agent", "update audit_chains set no = 0", false),
        ("spindle_agent", "select audit_maintain()", false),
        (
            "spindle_api",
            "select count(*) from audit_logs, audit_chains",
            true,
        ),
        ("spindle_api", "select audit_append('[]')", false),
        (
            "spindle_api",
            "select * from audit_append_frame('[]')",
            false,
        ),
        ("spindle_api", "delete from audit_logs", false),
        ("spindle_readonly", "select count(*) from audit_logs", true),
        ("spindle_readonly", "select audit_append('[]')", false),
        ("spindle_bridge", "select audit_maintain()", true),
        (
            "spindle_bridge",
            "select audit_maintain_at(now() + interval '9 years', '7 days')",
            false,
        ),
        (
            "spindle_bridge",
            "insert into audit_chains (user_id) values (gen_random_uuid())",
            false,
        ),
    ] {
        let client = trail.client_as(role).await?;
        match client.execute(statement, &[]).await {
            Ok(_) => assert!(allowed, "{role} could run: {statement}"),
            Err(error) => {
                assert!(!allowed, "{role} could not run: {statement}: {error:?}");
                assert_eq!(
                    error.code(),
                    Some(&SqlState::INSUFFICIENT_PRIVILEGE),
                    "{statement}: {error:?}"
                );
            }
        }
    }
    Ok(())
}
