//! Rules: a preview shows what they do, and those that cannot be are refused.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::client::Requests;
use tests::fixture::Fixture;

use super::complete;

/// A preview shows what the series does.
pub async fn previews(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let preview = async |body: Value| -> Result<Value> {
        user.post("/api/recurrence/preview")
            .json(&body)
            .send()
            .await?
            .expect(200)?
            .json()
    };
    let keys = |preview: &Value| -> Vec<String> {
        let items = preview["occurrences"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        items
            .iter()
            .filter_map(|item| Some(item["occurrence"].as_str()?.to_owned()))
            .collect()
    };
    let days =
        preview(json!({"due": {"date": "2026-01-31"}, "rule": "FREQ=MONTHLY", "count": 4})).await?;
    ensure!(
        keys(&days) == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"],
        "{days}"
    );
    let late = |mode: &str| json!({"due": {"date": "2026-03-01"}, "rule": "FREQ=WEEKLY", "mode": mode, "count": 2, "after": "2026-03-18T23:30:00Z"});
    for (mode, expected) in [
        ("fixed", ["2026-03-08", "2026-03-15"]),
        ("catch_up", ["2026-03-22", "2026-03-29"]),
        // In Berlin it is the 19th.
        ("after_completion", ["2026-03-26", "2026-04-02"]),
    ] {
        let found = preview(late(mode)).await?;
        ensure!(keys(&found) == expected, "{mode}: {found}");
    }
    // What the series of a task does.
    let body = json!({"due": {"datetime": "2026-10-24T02:30:00", "timezone": "Europe/Berlin"}, "recurrence": {"rule": "FREQ=DAILY"}, "count": 3});
    let expected = preview(body.clone()).await?;
    let task = user
        .create(json!({"title": "t", "due": body["due"], "recurrence": body["recurrence"]}))
        .await?;
    let next = complete(&user, &task).await?["next"].clone();
    ensure!(
        next["occurrence"] == expected["occurrences"][1]["occurrence"]
            && next["due_at"] == expected["occurrences"][1]["due_at"],
        "{next} is not in {expected}"
    );
    Ok(())
}

/// A recurrence that cannot be is a 422 that names the member.
pub async fn wrong_recurrences(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let date = json!({"date": "2026-03-01"});
    let local = json!({"datetime": "2026-03-01T09:00:00", "timezone": "Europe/Berlin"});
    for (due, recurrence, pointer) in [
        (&Value::Null, json!({"rule": "FREQ=DAILY"}), "/due"),
        (&date, json!({}), "/recurrence"),
        (&date, json!({"rule": "FREQ=MINUTELY"}), "/recurrence/rule"),
        (&date, json!({"rule": "FREQ=HOURLY"}), "/recurrence/rule"),
        (
            &date,
            json!({"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "skip": "omit"}),
            "/recurrence/rule",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY;UNTIL=20260301"}),
            "/recurrence/rule",
        ),
        (&date, json!({"rule": "EVERY DAY"}), "/recurrence/rule"),
        (
            &date,
            json!({"rule": "FREQ=DAILY", "mode": "sometimes"}),
            "/recurrence/mode",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY", "skip": "sideways"}),
            "/recurrence/skip",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY", "timezone": "Mars/Base"}),
            "/recurrence/timezone",
        ),
        (
            &local,
            json!({"rule": "FREQ=DAILY", "timezone": "Asia/Tokyo"}),
            "/recurrence/timezone",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY", "exdates": ["soon"]}),
            "/recurrence/exdates/0",
        ),
        (
            &date,
            json!({"every": 0, "unit": "day"}),
            "/recurrence/every",
        ),
        (&date, json!({"every": 2}), "/recurrence/unit"),
        (
            &date,
            json!({"every": 1, "unit": "day", "at": "09:00"}),
            "/recurrence/at",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY", "moon": "full"}),
            "/recurrence/moon",
        ),
        (
            &date,
            json!({"rule": "FREQ=DAILY", "every": 3, "unit": "day"}),
            "/recurrence/every",
        ),
        (&date, json!("daily"), "/recurrence"),
    ] {
        let body = json!({"title": "t", "due": due, "recurrence": recurrence});
        let problem = user
            .post("/api/tasks")
            .json(&body)
            .send()
            .await?
            .expect(422)?
            .json()?;
        ensure!(
            problem["errors"][0]["pointer"] == pointer,
            "{recurrence}: {problem}"
        );
        if let Some(recurrence) = recurrence.as_object()
            && pointer != "/due"
        {
            let mut body = json!({"due": due});
            for (name, value) in recurrence {
                body[name] = value.clone();
            }
            let problem = user
                .post("/api/recurrence/preview")
                .json(&body)
                .send()
                .await?
                .expect(422)?
                .json()?;
            let expected = pointer.strip_prefix("/recurrence").unwrap_or(pointer);
            ensure!(
                problem["errors"][0]["pointer"] == expected,
                "preview of {body}: {problem}"
            );
        }
    }
    Ok(())
}
