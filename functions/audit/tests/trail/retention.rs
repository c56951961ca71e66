//! Old months go as a whole, and what is left can still be verified.

use crate::support::{Trail, event};
use anyhow::Result;
use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use uuid::Uuid;

async fn maintain_at(trail: &Trail, moment: DateTime<Utc>) -> Result<Value> {
    let sql = "select audit_maintain_at($1::text::timestamptz, interval '90 days')";
    let row = trail.owner.query_one(sql, &[&moment.to_rfc3339()]).await?;
    Ok(serde_json::from_str(row.get(0))?)
}

fn on(day: &str) -> DateTime<Utc> {
    format!("{day}T12:00:00Z").parse().expect("a day")
}

#[tokio::test(flavor = "multi_thread")]
async fn months_are_made_ahead_and_take_what_waited() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let now = Utc::now();
    let frame: Vec<Value> = [0, 40, 80, -9000]
        .map(|days| event(user, now - Duration::days(days)))
        .into();
    trail.append(&frame).await?;
    assert_eq!(trail.count("audit_logs_default").await?, 4);
    trail.owner.execute("select audit_maintain()", &[]).await?;
    assert_eq!(
        trail.count("audit_logs_default").await?,
        1,
        "only the far future waits"
    );
    assert_eq!(trail.count("audit_logs").await?, 4);
    assert_eq!(trail.verify(user).await?["ok"], true);
    let again = trail
        .owner
        .query_one("select audit_maintain()", &[])
        .await?;
    let again: Value = serde_json::from_str(again.get(0))?;
    assert_eq!(
        again["created"],
        serde_json::json!([]),
        "a second run has nothing to do"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_cut_from_its_beginning_only() -> Result<()> {
    let trail = Trail::new().await?;
    let (user, quiet) = (Uuid::new_v4(), Uuid::new_v4());
    // The third is older than its place says, the last comes from a clock that is years ahead.
    let days = [
        "2031-01-10",
        "2031-01-31",
        "2031-02-01",
        "2031-01-30",
        "2031-03-05",
        "2031-04-05",
    ];
    maintain_at(&trail, on("2031-01-01")).await?;
    for day in days {
        trail.append(&[event(user, on(day))]).await?;
    }
    trail.append(&[event(quiet, on("2031-01-11"))]).await?;
    // Recorded when they happened, so that the test does not depend on today.
    trail
        .tamper("update audit_logs set recorded_at = time")
        .await?;
    rehash(&trail).await?;
    assert_eq!(trail.verify(user).await?["ok"], true);

    // January is over by more than 90 days: 1 and 2 go, 4 waits for 3.
    let report = maintain_at(&trail, on("2031-05-05")).await?;
    assert_eq!(report["dropped"], serde_json::json!(["2031-01"]));
    assert_eq!(report["entries"], 3);
    let verdict = trail.verify(user).await?;
    assert_eq!(
        (&verdict["ok"], &verdict["checked"]),
        (&true.into(), &4.into()),
        "{verdict}"
    );
    let verdict = trail.verify(quiet).await?;
    assert_eq!(
        (&verdict["ok"], &verdict["checked"]),
        (&true.into(), &0.into()),
        "{verdict}"
    );
    assert_eq!(trail.count("audit_logs_default where no = 4").await?, 1);

    // The chain goes on, also where nothing of it is left, and also with an entry whose month has gone.
    trail
        .append(&[
            event(user, on("2031-05-06")),
            event(quiet, on("2031-05-06")),
            event(quiet, on("2031-01-12")),
        ])
        .await?;
    trail.tamper("update audit_logs set recorded_at = time where no > 6 or user_id <> (select user_id from audit_logs where no = 6)").await?;
    rehash(&trail).await?;
    for user in [user, quiet] {
        assert_eq!(trail.verify(user).await?["ok"], true);
    }

    // February is over too: 3 goes, and 4 with it.
    let report = maintain_at(&trail, on("2031-06-05")).await?;
    assert_eq!(
        (&report["dropped"], &report["entries"]),
        (&serde_json::json!(["2031-02"]), &2.into())
    );
    let verdict = trail.verify(user).await?;
    assert_eq!(
        (&verdict["ok"], &verdict["checked"]),
        (&true.into(), &3.into()),
        "{verdict}"
    );
    assert_eq!(trail.verify(quiet).await?["checked"], 2);

    // New partitions are guarded like the old ones.
    for partition in trail
        .owner
        .query(
            "select relid::text from pg_partition_tree('audit_logs')",
            &[],
        )
        .await?
    {
        let statement = format!("delete from {}", partition.get::<_, String>(0));
        assert_eq!(
            trail
                .count("pg_trigger where tgname = 'append_only' and tgenabled = 'D'")
                .await?
                > 0,
            false
        );
        assert!(
            trail.owner.execute(&statement, &[]).await.is_err(),
            "{statement}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retention_that_would_empty_the_trail_is_refused() -> Result<()> {
    let trail = Trail::new().await?;
    for retention in ["0", "6 days", "-1 year"] {
        let sql = format!("select audit_maintain('{retention}')");
        assert!(trail.owner.execute(&sql, &[]).await.is_err(), "{retention}");
    }
    assert!(
        trail
            .owner
            .execute("select audit_maintain(null)", &[])
            .await
            .is_err()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn appending_goes_on_while_months_are_made_and_dropped() -> Result<()> {
    let trail = Trail::new().await?;
    let users: Vec<Uuid> = (0..6).map(|_| Uuid::new_v4()).collect();
    let mut senders = Vec::new();
    for sender in 0..4_i64 {
        let client = trail.client_as("spindle_agent").await?;
        let users = users.clone();
        senders.push(tokio::spawn(async move {
            for round in 0..40_i64 {
                let at = Utc::now() - Duration::days((round * 7 + sender) % 200);
                let frame: Vec<Value> = users.iter().map(|user| event(*user, at)).collect();
                crate::support::append(&client, &Value::from(frame).to_string()).await?;
            }
            anyhow::Ok(())
        }));
    }
    let bridge = trail.client_as("spindle_bridge").await?;
    while senders.iter().any(|sender| !sender.is_finished()) {
        bridge.execute("select audit_maintain()", &[]).await?;
    }
    for sender in senders {
        sender.await??;
    }
    bridge.execute("select audit_maintain()", &[]).await?;
    for user in users {
        let verdict = trail.verify(user).await?;
        assert_eq!(
            (&verdict["ok"], &verdict["head"]["no"]),
            (&true.into(), &160.into()),
            "{verdict}"
        );
    }
    Ok(())
}

/// Makes the chains genuine again after a test gave its entries other times.
async fn rehash(trail: &Trail) -> Result<()> {
    trail
        .tamper(
            "do $$
            declare
                entry audit_logs;
                head  audit_chains;
            begin
                for head in select * from audit_chains loop
                    head.hash := head.dropped_hash;
                    for entry in select * from audit_logs where user_id = head.user_id order by no loop
                        update audit_logs set prev_hash = head.hash, hash = audit_link(head.hash, null, audit_entry_text(
                            entry.no, entry.event_id, entry.user_id, entry.time, entry.recorded_at, entry.seq, entry.task_id,
                            entry.type, entry.actor_type, entry.actor_id, entry.correlation_id, entry.event))
                            where event_id = entry.event_id
                            returning hash into head.hash;
                    end loop;
                    update audit_chains set hash = head.hash where user_id = head.user_id;
                end loop;
            end $$;",
        )
        .await
}
