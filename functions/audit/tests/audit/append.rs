//! Appending: each event is recorded once, and each chain has no gap, in whatever order frames arrive.

use anyhow::Result;
use chrono::Duration;
use serde_json::Value;
use uuid::Uuid;

use crate::support::{Trail, all_done, append, event, events, now};

#[tokio::test(flavor = "multi_thread")]
async fn a_redelivered_event_is_recorded_once() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let frame = events(user, 5);
    assert!(all_done(&trail.append(&frame).await?));
    let again = trail.append(&frame).await?;
    assert_eq!(again.len(), 5);
    assert!(all_done(&again));
    assert_eq!(trail.count("audit_logs").await?, 5);
    assert_eq!(
        trail.count("outbox").await?,
        1,
        "only new entries are announced"
    );

    // Redeliveries beside new events: a duplicate within the frame, a recorded event, and one with another time.
    let mut mixed = events(user, 2);
    mixed.push(mixed[0].clone());
    mixed.push(frame[0].clone());
    let mut moved = frame[1].clone();
    moved["time"] = "2020-01-01T00:00:00Z".into();
    mixed.push(moved);
    let results = trail.append(&mixed).await?;
    assert!(all_done(&results));
    for (result, event) in results.iter().zip(&mixed) {
        assert_eq!(result["id"], event["id"]);
    }
    assert_eq!(trail.count("audit_logs").await?, 7);
    assert_eq!(trail.verify(user).await?["ok"], true);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_has_the_members_and_the_text_of_its_event() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let sent = event(user, now());
    // The trail keeps the JSON text as it is, with its spaces and the order of its members.
    let text = format!("{{ \"first\" : 1.50,{}", &sent.to_string()[1..]);
    append(&trail.owner, &format!("[{text}]")).await?;
    let entry = trail
        .owner
        .query_one(include_str!("sql/entries.sql"), &[])
        .await?;
    assert_eq!(entry.get::<_, &str>("event"), text);
    assert_eq!(entry.get::<_, &str>("type"), "task.created");
    assert_eq!(entry.get::<_, Uuid>("task_id").to_string(), sent["subject"]);
    assert_eq!(entry.get::<_, &str>("actor_type"), "user");
    assert_eq!(entry.get::<_, &str>("actor_id"), user.to_string());
    assert_eq!(
        entry.get::<_, &str>("correlation_id"),
        sent["correlationid"]
    );
    assert_eq!(entry.get::<_, i64>("seq"), 1);
    assert_eq!(entry.get::<_, &str>("time"), sent["time"]);

    let announced = trail
        .owner
        .query_one(include_str!("sql/announcements.sql"), &[])
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
async fn concurrent_frames_with_the_same_users_and_events_do_not_conflict() -> Result<()> {
    let trail = Trail::new().await?;
    let users: Vec<Uuid> = (0..12).map(|_| Uuid::new_v4()).collect();
    let all: Vec<Value> = (0..960)
        .map(|n| event(users[n % users.len()], now()))
        .collect();
    let mut senders = Vec::new();
    for sender in 0..8_usize {
        let client = trail.client_as("spindle_agent").await?;
        // Each sender sends all events, starting at a different one, and every second sender in reverse order.
        let mut own = all.clone();
        own.rotate_left(sender * 120);
        if sender % 2 == 1 {
            own.reverse();
        }
        senders.push(tokio::spawn(async move {
            for frame in own.chunks(40) {
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
async fn events_of_any_date_are_recorded() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let now = now();
    let frame = [
        event(user, now - Duration::days(9000)),
        event(user, now),
        event(user, now + Duration::days(9000)),
    ];
    assert!(all_done(&trail.append(&frame).await?));
    assert_eq!(trail.verify(user).await?["checked"], 3);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_type_is_recorded_with_its_task() -> Result<()> {
    let trail = Trail::new().await?;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../domain/tests/wire");
    let mut recorded = 0;
    for file in std::fs::read_dir(folder)? {
        let mut golden: Value = serde_json::from_str(&std::fs::read_to_string(file?.path())?)?;
        golden["id"] = Uuid::now_v7().to_string().into();
        let results = trail.append(&[golden.clone()]).await?;
        assert!(all_done(&results), "{results:?}: {golden}");
        recorded += 1;
        let data = &golden["data"];
        let task = [
            &data["task"]["id"],
            &data["task_id"],
            &data["reminder"]["task_id"],
        ];
        let has_task = i64::from(task.iter().any(|id| id.is_string()));
        let entry = format!(
            "audit_logs where event_id = '{}' and (task_id is not null)::int = {has_task}",
            golden["id"].as_str().unwrap()
        );
        assert_eq!(trail.count(&entry).await?, 1, "{golden}");
    }
    assert_eq!(trail.count("audit_logs").await?, recorded);

    let announced = trail
        .owner
        .query(include_str!("sql/announcements.sql"), &[])
        .await?;
    let announcement: Value = serde_json::from_str(announced[0].get(3))?;
    let golden: Value = serde_json::from_str(include_str!(
        "../../../../domain/tests/wire/audit.recorded.v1.json"
    ))?;
    for (actual, expected) in [
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
        assert_eq!(keys(actual), keys(expected));
    }
    Ok(())
}
