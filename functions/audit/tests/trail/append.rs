//! Every event once, in chains without a gap, however frames arrive.

use anyhow::Result;
use chrono::Duration;
use serde_json::Value;
use uuid::Uuid;

use crate::support::{Trail, append, done, event, events, now};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_delivered_again_is_recorded_once() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let frame = events(user, 5);
    assert!(done(&trail.append(&frame).await?));
    let again = trail.append(&frame).await?;
    assert_eq!(again.len(), 5);
    assert!(done(&again));
    assert_eq!(trail.count("audit_logs").await?, 5);
    assert_eq!(
        trail.count("outbox").await?,
        1,
        "nothing is announced for nothing new"
    );

    // Twice in one frame, among new ones, and with a time that it did not have before.
    let mut mixed = events(user, 2);
    mixed.push(mixed[0].clone());
    mixed.push(frame[0].clone());
    let mut moved = frame[1].clone();
    moved["time"] = "2020-01-01T00:00:00Z".into();
    mixed.push(moved);
    let results = trail.append(&mixed).await?;
    assert!(done(&results));
    for (result, event) in results.iter().zip(&mixed) {
        assert_eq!(result["id"], event["id"]);
    }
    assert_eq!(trail.count("audit_logs").await?, 7);
    assert_eq!(trail.verify(user).await?["ok"], true);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_holds_what_the_event_said() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let sent = event(user, now());
    // Spaces and order survive: the trail keeps the text, not its meaning.
    let text = format!("{{ \"first\" : 1.50,{}", &sent.to_string()[1..]);
    append(&trail.owner, &format!("[{text}]")).await?;
    let row = trail
        .owner
        .query_one(
            "select event, type, task_id::text, actor_type, actor_id, correlation_id, seq, rfc3339(time) from audit_logs",
            &[],
        )
        .await?;
    assert_eq!(row.get::<_, &str>(0), text);
    assert_eq!(row.get::<_, &str>(1), "task.created");
    assert_eq!(row.get::<_, &str>(2), sent["subject"]);
    assert_eq!(row.get::<_, &str>(3), "user");
    assert_eq!(row.get::<_, &str>(4), user.to_string());
    assert_eq!(row.get::<_, &str>(5), sent["correlationid"]);
    assert_eq!(row.get::<_, i64>(6), 1);
    assert_eq!(row.get::<_, &str>(7), sent["time"]);

    let announced = trail
        .owner
        .query_one(
            "select topic, user_id, event_id::text, event from outbox",
            &[],
        )
        .await?;
    let announcement: Value = serde_json::from_str(announced.get(3))?;
    assert_eq!(announced.get::<_, &str>(0), "audit-logs");
    assert_eq!(announced.get::<_, Uuid>(1), user);
    assert_eq!(announcement["id"], announced.get::<_, &str>(2));
    assert_eq!(announcement["type"], "audit.recorded");
    assert_eq!(announcement["data"]["entries"][0]["event_id"], sent["id"]);
    assert_eq!(announcement["data"]["entries"][0]["no"], 1);
    assert_eq!(
        announcement["data"]["entries"][0]["hash"],
        trail.verify(user).await?["head"]["hash"]
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_share_users_and_events_run_at_once() -> Result<()> {
    let trail = Trail::new().await?;
    let users: Vec<Uuid> = (0..12).map(|_| Uuid::new_v4()).collect();
    let all: Vec<Value> = (0..960)
        .map(|n| event(users[n % users.len()], now()))
        .collect();
    let mut senders = Vec::new();
    for sender in 0..8_usize {
        let client = trail.client_as("spindle_agent").await?;
        // Each of them sends everything, from another place and half of them backwards.
        let mut mine = all.clone();
        mine.rotate_left(sender * 120);
        if sender % 2 == 1 {
            mine.reverse();
        }
        senders.push(tokio::spawn(async move {
            for frame in mine.chunks(40) {
                let frame = Value::from(frame).to_string();
                append(&client, &frame).await?;
            }
            anyhow::Ok(())
        }));
    }
    for sender in senders {
        sender.await??;
    }
    assert_eq!(trail.count("audit_logs").await?, 960);
    for user in users {
        let verdict = trail.verify(user).await?;
        assert_eq!(
            (&verdict["ok"], &verdict["checked"]),
            (&true.into(), &80.into()),
            "{verdict}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_date_is_refused() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let now = now();
    let frame = [
        event(user, now - Duration::days(9000)),
        event(user, now),
        event(user, now + Duration::days(9000)),
    ];
    assert!(done(&trail.append(&frame).await?));
    assert_eq!(trail.verify(user).await?["checked"], 3);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_event_has_its_place() -> Result<()> {
    let trail = Trail::new().await?;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../domain/tests/wire");
    let mut recorded = 0;
    for file in std::fs::read_dir(folder)? {
        let mut golden: Value = serde_json::from_str(&std::fs::read_to_string(file?.path())?)?;
        golden["id"] = Uuid::now_v7().to_string().into();
        let results = trail.append(&[golden.clone()]).await?;
        assert!(done(&results), "{results:?}: {golden}");
        recorded += 1;
        let of_task = i64::from(golden["data"]["task"]["id"].is_string());
        let found = format!(
            "audit_logs where event_id = '{}' and (task_id is not null)::int = {of_task}",
            golden["id"].as_str().unwrap()
        );
        assert_eq!(trail.count(&found).await?, 1, "{golden}");
    }
    assert_eq!(trail.count("audit_logs").await?, recorded);

    let row = trail
        .owner
        .query_one("select event from outbox limit 1", &[])
        .await?;
    let announcement: Value = serde_json::from_str(row.get(0))?;
    let golden: Value = serde_json::from_str(include_str!(
        "../../../../domain/tests/wire/audit.recorded.v1.json"
    ))?;
    for (ours, theirs) in [
        (&announcement, &golden),
        (
            &announcement["data"]["entries"][0],
            &golden["data"]["entries"][0],
        ),
    ] {
        let keys = |value: &Value| {
            value
                .as_object()
                .map(|members| members.keys().cloned().collect::<Vec<_>>())
        };
        assert_eq!(keys(ours), keys(theirs));
    }
    Ok(())
}
