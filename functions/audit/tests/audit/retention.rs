//! Retention: expired months are dropped as whole partitions, and the remaining chains can still be verified.

use anyhow::Result;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Trail, append, event, maintain, now};

/// Maintains the partitions as of `moment`. Returns the report.
async fn maintain_at(trail: &Trail, moment: DateTime<Utc>) -> Result<Value> {
    let sql = include_str!("sql/maintain_at.sql");
    let row = trail.owner.query_one(sql, &[&moment.to_rfc3339()]).await?;
    Ok(serde_json::from_str(row.get(0))?)
}

/// Noon of a day such as `2021-01-31`.
fn noon(day: &str) -> DateTime<Utc> {
    format!("{day}T12:00:00Z").parse().expect("a valid date")
}

#[tokio::test(flavor = "multi_thread")]
async fn new_partitions_take_their_entries_from_the_default_partition() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let now = now();
    let frame: Vec<Value> = [0, 40, 80, -9000]
        .map(|days| event(user, now - Duration::days(days)))
        .into();
    trail.append(&frame).await?;
    assert_eq!(trail.count("audit_logs_default").await?, 4);
    trail.maintain().await?;
    assert_eq!(
        trail.count("audit_logs_default").await?,
        1,
        "only the entry in the far future is left"
    );
    assert_eq!(trail.count("audit_logs").await?, 4);
    assert_eq!(trail.verify(user).await?["ok"], true);
    assert_eq!(
        trail.maintain().await?["created"],
        json!([]),
        "a second run has nothing to do"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_beginning_of_a_chain_is_dropped() -> Result<()> {
    let trail = Trail::new().await?;
    // The second user has a single entry, so the whole chain expires.
    let (user, other) = (Uuid::new_v4(), Uuid::new_v4());
    maintain_at(&trail, noon("2021-01-01")).await?;
    // The fourth entry has an earlier time than the third.
    for day in [
        "2021-01-10",
        "2021-01-31",
        "2021-02-01",
        "2021-01-30",
        "2021-03-05",
        "2021-04-05",
    ] {
        trail.append(&[event(user, noon(day))]).await?;
    }
    trail.append(&[event(other, noon("2021-01-11"))]).await?;

    // January has expired: entries 1 and 2 are dropped. Entry 4 is of January too, but entry 3 is kept, so it stays.
    let report = maintain_at(&trail, noon("2021-05-05")).await?;
    assert_eq!(report["dropped"], json!(["2021-01"]));
    assert_eq!(report["entries"], 3);
    assert_eq!(trail.count("audit_logs_default where no = 4").await?, 1);
    assert_chain(&trail, user, 4).await?;
    assert_chain(&trail, other, 0).await?;

    // Both chains continue: also the one without entries, and with an entry of a month that was dropped.
    trail.append(&[event(user, noon("2021-05-06"))]).await?;
    trail
        .append(&[
            event(other, noon("2021-05-06")),
            event(other, noon("2021-01-12")),
        ])
        .await?;
    assert_chain(&trail, user, 5).await?;
    assert_chain(&trail, other, 2).await?;

    // February has expired too: entry 3 is dropped, and entry 4 with it.
    let report = maintain_at(&trail, noon("2021-06-05")).await?;
    assert_eq!(report["dropped"], json!(["2021-02"]));
    assert_eq!(report["entries"], 2);
    assert_chain(&trail, user, 3).await?;
    assert_chain(&trail, other, 2).await?;

    // The new default partition and the new months refuse deletions, like the first ones.
    for table in trail.tables().await? {
        let statement = format!("delete from {table}");
        assert!(
            trail.owner.execute(&statement, &[]).await.is_err(),
            "{statement}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_with_a_future_time_expires() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let now = now();
    trail
        .append(&[
            event(user, now),
            event(user, noon("9999-01-01")),
            event(user, now),
        ])
        .await?;
    assert_eq!(maintain_at(&trail, now).await?["entries"], 0);
    assert_chain(&trail, user, 3).await?;
    assert_eq!(
        maintain_at(&trail, now + Duration::days(200)).await?["entries"],
        3
    );
    assert_chain(&trail, user, 0).await?;
    Ok(())
}

/// Asserts that the user's chain is valid and has this number of entries.
async fn assert_chain(trail: &Trail, user: Uuid, entries: i64) -> Result<()> {
    let verdict = trail.verify(user).await?;
    assert_eq!(
        (&verdict["ok"], &verdict["checked"]),
        (&json!(true), &json!(entries)),
        "{verdict}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retention_below_seven_days_is_refused() -> Result<()> {
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
async fn appending_continues_during_maintenance() -> Result<()> {
    let trail = Trail::new().await?;
    let users: Vec<Uuid> = (0..6).map(|_| Uuid::new_v4()).collect();
    let mut senders = Vec::new();
    for sender in 0..4_i64 {
        let client = trail.client_as("spindle_agent").await?;
        let users = users.clone();
        senders.push(tokio::spawn(async move {
            for round in 0..40_i64 {
                let at = now() - Duration::days((round * 7 + sender) % 200);
                let frame: Vec<Value> = users.iter().map(|user| event(*user, at)).collect();
                append(&client, &Value::from(frame).to_string()).await?;
            }
            anyhow::Ok(())
        }));
    }
    let bridge = trail.client_as("spindle_bridge").await?;
    while senders.iter().any(|sender| !sender.is_finished()) {
        maintain(&bridge).await?;
    }
    for sender in senders {
        sender.await??;
    }
    maintain(&bridge).await?;
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
