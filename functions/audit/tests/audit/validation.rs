//! Validation: an invalid event is rejected with a reason, and the other events of its frame are recorded.

use anyhow::Result;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Trail, append, event, events, now};

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_event_does_not_affect_the_other_events_of_its_frame() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    // A valid event in which one member has another value.
    let with = |member: &str, value: Value| {
        let mut event = event(user, now());
        event[member] = value;
        event.to_string()
    };
    let cases = [
        ("null".to_owned(), "not an object"),
        ("[1]".to_owned(), "not an object"),
        ("\"x\"".to_owned(), "not an object"),
        ("{}".to_owned(), "id is missing"),
        (with("id", Value::Null), "id is missing"),
        (with("id", json!("one")), "id is not a UUID"),
        (with("id", json!(7)), "id is not a UUID"),
        (
            with("id", json!("{1b4e28ba-2fa1-11d2-883f-0016d3cca427}")),
            "id is not a UUID",
        ),
        (with("userid", Value::Null), "userid is missing"),
        (
            with("userid", json!("somebody in particular, thirty-six ch")),
            "userid is not a UUID",
        ),
        (
            with("userid", json!("somebody in particular, of 36 letters")),
            "userid is not a UUID",
        ),
        (with("time", Value::Null), "time is missing"),
        (with("time", json!("yesterday")), "time is not RFC 3339"),
        (with("time", json!("infinity")), "time is not RFC 3339"),
        (
            with("time", json!("2026-03-01T09:00:00")),
            "time is not RFC 3339",
        ),
        (
            with("time", json!("2026-02-31T09:00:00.000000Z")),
            "out of range",
        ),
        (with("type", Value::Null), "type is missing"),
        (with("type", json!("")), "type is missing"),
        (with("type", json!("x".repeat(201))), "longer than 200"),
        (with("type", json!("a\nb")), "line feed"),
        (
            with("correlationid", json!("x".repeat(501))),
            "longer than 500",
        ),
        (with("seq", json!("many")), "invalid input syntax"),
        (with("seq", json!(1.5)), "invalid input syntax"),
        (with("seq", json!(1e30)), "out of range"),
        (with("source", json!("nul \0 in it")), "Unicode"),
        (
            with("source", json!("S")).replace("\"S\"", "\"\\ud800\""),
            "Unicode",
        ),
    ];
    let good = events(user, cases.len() + 1);
    let mut frame = vec![good[0].to_string()];
    for (number, (bad, _)) in cases.iter().enumerate() {
        frame.push(bad.clone());
        frame.push(good[number + 1].to_string());
    }
    let results = append(&trail.owner, &format!("[{}]", frame.join(","))).await?;
    assert_eq!(results.len(), frame.len());
    for (number, good) in good.iter().enumerate() {
        assert_eq!(
            results[2 * number],
            json!({"id": good["id"], "outcome": "done"})
        );
    }
    for (number, (bad, reason)) in cases.iter().enumerate() {
        let result = &results[2 * number + 1];
        assert_eq!(result["outcome"], "reject", "{bad}");
        let error = result["error"].as_str().unwrap_or_default();
        assert!(error.contains(reason), "{error}, expected {reason}: {bad}");
    }
    assert_eq!(trail.count("audit_logs").await?, good.len() as i64);
    assert_eq!(trail.verify(user).await?["ok"], true);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_but_valid_events_are_recorded() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let times = [
        ("2026-03-01T10:30:00+01:30", "2026-03-01T09:00:00.000000Z"),
        ("2026-03-01t09:00:00.5z", "2026-03-01T09:00:00.500000Z"),
        // Truncated, because rounding would move this event to the next day.
        (
            "2026-02-28T23:59:59.999999999Z",
            "2026-02-28T23:59:59.999999Z",
        ),
    ];
    for (sent, recorded) in times {
        let mut event = event(user, now());
        event["time"] = sent.into();
        event["id"] = Uuid::new_v4().to_string().to_uppercase().into();
        let results = trail.append(&[event.clone()]).await?;
        assert_eq!(results, [json!({"id": event["id"], "outcome": "done"})]);
        assert_eq!(
            trail
                .count(&format!("audit_logs where rfc3339(time) = '{recorded}'"))
                .await?,
            1,
            "{sent}"
        );
    }
    // An account event has no task, and the id of a service may be empty.
    let mut login = event(user, now());
    login["type"] = "user.login".into();
    login["subject"] = user.to_string().into();
    login["data"] = json!({"user": {"id": user}, "actor": {"type": "service", "id": ""}});
    login["seq"] = Value::Null;
    assert_eq!(trail.append(&[login]).await?[0]["outcome"], "done");
    assert_eq!(
        trail
            .count("audit_logs where task_id is null and actor_id is null and seq is null")
            .await?,
        1
    );
    assert_eq!(trail.verify(user).await?["checked"], 4);
    Ok(())
}
