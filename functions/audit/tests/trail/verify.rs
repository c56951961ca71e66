//! A chain that was tampered with is found out, and where; an outsider can check it by the written recipe.

use anyhow::Result;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::support::{Trail, events};

#[tokio::test(flavor = "multi_thread")]
async fn tampering_is_found_where_it_begins() -> Result<()> {
    for (edit, first_bad) in [
        ("update audit_logs set event = replace(event, 'Water', 'Drown') where no = 4", 4),
        ("update audit_logs set type = 'task.deleted' where no = 1", 1),
        ("update audit_logs set time = time + interval '1 microsecond' where no = 7", 7),
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
        // The entry and its own hash, but not those after it.
        (
            "update audit_logs set seq = 99 where no = 6; update audit_logs set hash = sha256(prev_hash || convert_to(
                audit_entry_text(no, event_id, user_id, time, recorded_at, seq, task_id, type, actor_type, actor_id,
                correlation_id, event), 'UTF8')) where no = 6",
            7,
        ),
        (
            "insert into audit_logs select gen_random_uuid(), time, user_id, no, task_id, type, actor_type, actor_id,
                correlation_id, seq, prev_hash, hash, recorded_at, event from audit_logs where no = 8",
            8,
        ),
    ] {
        let trail = Trail::new().await?;
        let user = Uuid::new_v4();
        trail.append(&events(user, 10)).await?;
        assert_eq!(trail.verify(user).await?["ok"], true);
        if edit.starts_with("insert") {
            trail.tamper("drop index audit_logs_chain").await?;
        }
        trail.tamper(edit).await?;
        let verdict = trail.verify(user).await?;
        assert_eq!(verdict["ok"], false, "{edit}");
        assert_eq!(verdict["first_bad"], first_bad, "{edit}: {verdict}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_of_nobody_is_empty_and_sound() -> Result<()> {
    let trail = Trail::new().await?;
    let verdict = trail.verify(Uuid::new_v4()).await?;
    assert_eq!(
        (&verdict["ok"], &verdict["checked"]),
        (&true.into(), &0.into())
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recipe_gives_the_same_hashes_outside_postgres() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let mut frame = events(user, 4);
    frame[1]["data"]["actor"] = serde_json::Value::Null;
    frame[2]["correlationid"] = serde_json::Value::Null;
    frame[3]["seq"] = serde_json::Value::Null;
    trail.append(&frame).await?;
    let rows = trail
        .owner
        .query(
            "select no, event_id, user_id, rfc3339(time), rfc3339(recorded_at), seq, task_id, type, actor_type, actor_id,
                correlation_id, event, hash from audit_logs order by no",
            &[],
        )
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
