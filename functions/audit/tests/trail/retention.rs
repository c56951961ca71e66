//! Old months go as a whole, and what is left can still be verified.

use anyhow::Result;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Trail, event, now};

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
    let now = now();
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
    maintain_at(&trail, on("2021-01-01")).await?;
    // The fourth is older than its place says.
    for day in [
        "2021-01-10",
        "2021-01-31",
        "2021-02-01",
        "2021-01-30",
        "2021-03-05",
        "2021-04-05",
    ] {
        trail.append(&[event(user, on(day))]).await?;
    }
    trail.append(&[event(quiet, on("2021-01-11"))]).await?;

    // January is over by more than 90 days: 1 and 2 go, 4 waits for 3.
    let report = maintain_at(&trail, on("2021-05-05")).await?;
    assert_eq!(report["dropped"], json!(["2021-01"]));
    assert_eq!(report["entries"], 3);
    assert_eq!(trail.count("audit_logs_default where no = 4").await?, 1);
    sound(&trail, user, 4).await?;
    sound(&trail, quiet, 0).await?;

    // A chain goes on, also where nothing of it is left, and with an entry whose month has gone.
    trail.append(&[event(user, on("2021-05-06"))]).await?;
    trail
        .append(&[
            event(quiet, on("2021-05-06")),
            event(quiet, on("2021-01-12")),
        ])
        .await?;
    sound(&trail, user, 5).await?;
    sound(&trail, quiet, 2).await?;

    // February is over too: 3 goes, and 4 with it.
    let report = maintain_at(&trail, on("2021-06-05")).await?;
    assert_eq!(report["dropped"], json!(["2021-02"]));
    assert_eq!(report["entries"], 2);
    sound(&trail, user, 3).await?;
    sound(&trail, quiet, 2).await?;

    // The default partition is new, the months are: they are guarded like the old ones.
    let tables = trail
        .owner
        .query(
            "select relid::text from pg_partition_tree('audit_logs')",
            &[],
        )
        .await?;
    for table in &tables {
        let statement = format!("delete from {}", table.get::<_, String>(0));
        assert!(
            trail.owner.execute(&statement, &[]).await.is_err(),
            "{statement}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_from_the_future_does_not_keep_its_chain_for_ever() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let now = now();
    trail
        .append(&[
            event(user, now),
            event(user, on("9999-01-01")),
            event(user, now),
        ])
        .await?;
    assert_eq!(maintain_at(&trail, now).await?["entries"], 0);
    sound(&trail, user, 3).await?;
    assert_eq!(
        maintain_at(&trail, now + Duration::days(200)).await?["entries"],
        3
    );
    sound(&trail, user, 0).await?;
    Ok(())
}

async fn sound(trail: &Trail, user: Uuid, entries: i64) -> Result<()> {
    let verdict = trail.verify(user).await?;
    assert_eq!(
        (&verdict["ok"], &verdict["checked"]),
        (&json!(true), &json!(entries)),
        "{verdict}"
    );
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
                let at = now() - Duration::days((round * 7 + sender) % 200);
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
