//! Verification: tampering is detected and located, and the hashes can be recomputed without Postgres.

use anyhow::Result;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::support::{Trail, events};

#[tokio::test(flavor = "multi_thread")]
async fn verification_reports_the_first_entry_that_was_tampered_with() -> Result<()> {
    for (edit, first_bad) in [
        (
            "update audit_logs set event = replace(event, 'Water', 'Drown') where no = 4",
            4,
        ),
        (
            "update audit_logs set type = 'task.deleted' where no = 1",
            1,
        ),
        (
            "update audit_logs set time = time + interval '1 microsecond' where no = 7",
            7,
        ),
        ("update audit_logs set actor_id = null where no = 3", 3),
        ("update audit_logs set seq = 2 where no = 10", 10),
        ("update audit_logs set recorded_at = now() where no = 2", 2),
        ("delete from audit_logs where no = 5", 6),
        ("delete from audit_logs where no = 1", 2),
        ("delete from audit_logs where no >= 9", 9),
        ("delete from audit_logs", 1),
        ("delete from audit_chains", 1),
        ("update audit_chains set no = 9", 10),
        ("update audit_chains set hash = sha256('x')", 10),
        (include_str!("sql/rehash_entry_6.sql"), 7),
    ] {
        assert_first_bad(&[edit], first_bad).await?;
    }
    // The unique index of the chain would reject a second entry with the same number.
    let duplicate = include_str!("sql/duplicate_entry_8.sql");
    assert_first_bad(&["drop index audit_logs_chain", duplicate], 8).await
}

/// Appends ten entries, makes the edits, and asserts which entry verification reports.
async fn assert_first_bad(edits: &[&str], first_bad: i64) -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    trail.append(&events(user, 10)).await?;
    assert_eq!(trail.verify(user).await?["ok"], true);
    for edit in edits {
        trail.tamper(edit).await?;
    }
    let verdict = trail.verify(user).await?;
    assert_eq!(verdict["ok"], false, "{edits:?}");
    assert_eq!(verdict["first_bad"], first_bad, "{edits:?}: {verdict}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_of_an_unknown_user_is_empty_and_valid() -> Result<()> {
    let trail = Trail::new().await?;
    let verdict = trail.verify(Uuid::new_v4()).await?;
    assert_eq!(
        (&verdict["ok"], &verdict["checked"]),
        (&true.into(), &0.into())
    );
    Ok(())
}

/// The steps are those that migrations/V10__audit.sql documents.
#[tokio::test(flavor = "multi_thread")]
async fn the_hashes_can_be_recomputed_outside_postgres() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let mut frame = events(user, 4);
    frame[1]["data"]["actor"] = serde_json::Value::Null;
    frame[2]["correlationid"] = serde_json::Value::Null;
    frame[3]["seq"] = serde_json::Value::Null;
    trail.append(&frame).await?;
    let rows = trail
        .owner
        .query(include_str!("sql/entries.sql"), &[])
        .await?;
    assert_eq!(rows.len(), 4);
    let mut previous = vec![0_u8; 32];
    for row in &rows {
        let optional = |column: usize| row.get::<_, Option<&str>>(column).unwrap_or_default();
        let seq = row
            .get::<_, Option<i64>>(5)
            .map(|seq| seq.to_string())
            .unwrap_or_default();
        let task = row
            .get::<_, Option<Uuid>>(6)
            .map(|task| task.to_string())
            .unwrap_or_default();
        let text = [
            "spindle.audit.1",
            &row.get::<_, i64>(0).to_string(),
            &row.get::<_, Uuid>(1).to_string(),
            &row.get::<_, Uuid>(2).to_string(),
            row.get(3),
            row.get(4),
            &seq,
            &task,
            row.get(7),
            optional(8),
            optional(9),
            optional(10),
            row.get(11),
        ]
        .join("\n");
        previous = Sha256::new()
            .chain_update(&previous)
            .chain_update(text)
            .finalize()
            .to_vec();
        assert_eq!(row.get::<_, Vec<u8>>(12), previous);
    }
    Ok(())
}
