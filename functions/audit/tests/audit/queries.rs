//! The API's statements that read the trail: pages have no gaps and no duplicates, and filters select the right entries.

use anyhow::Result;
use chrono::Duration;
use serde_json::Value;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::support::{Trail, event, now};

type Parameter = Option<String>;

/// Charges no rate limit. The system tests cover rate limits.
const NO_RATE: Option<Vec<String>> = None;

/// Runs a list statement. Returns the items, and the key and id that lead to the next page.
async fn page(
    trail: &Trail,
    sql: &str,
    texts: &[Parameter],
    limit: i64,
) -> Result<(Vec<Value>, (Parameter, Parameter))> {
    let mut parameters: Vec<&(dyn ToSql + Sync)> = texts.iter().map(|text| text as _).collect();
    parameters.push(&limit);
    parameters.push(&NO_RATE);
    let row = trail.owner.query_one(sql, &parameters).await?;
    Ok((serde_json::from_str(row.get(0))?, (row.get(1), row.get(2))))
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_cover_the_whole_trail() -> Result<()> {
    let trail = Trail::new().await?;
    let (user, other) = (Uuid::new_v4(), Uuid::new_v4());
    let frame: Vec<Value> = (0..25)
        .map(|n| event(if n % 5 == 4 { other } else { user }, now()))
        .collect();
    trail.append(&frame).await?;
    let sql = include_str!("../../../api/src/audit/list_user.sql");
    let mut filters: Vec<Parameter> = vec![None; 9];
    filters[0] = Some(user.to_string());
    let mut seen = Vec::new();
    loop {
        let (items, last) = page(&trail, sql, &filters, 7).await?;
        seen.extend(items);
        (filters[7], filters[8]) = last;
        if filters[7].is_none() {
            break;
        }
    }
    let numbers: Vec<i64> = seen.iter().filter_map(|item| item["no"].as_i64()).collect();
    assert_eq!(numbers, (1..=20).rev().collect::<Vec<_>>());
    let newest = &seen[0];
    let sent = &frame[23];
    for (field, value) in [
        ("event_id", &sent["id"]),
        ("type", &sent["type"]),
        ("time", &sent["time"]),
        ("user_id", &sent["userid"]),
        ("task_id", &sent["subject"]),
        ("actor", &sent["data"]["actor"]),
        ("correlation_id", &sent["correlationid"]),
        ("seq", &sent["seq"]),
        ("event", sent),
    ] {
        assert_eq!(&newest[field], value, "{field}");
    }
    assert_eq!(newest["prev_hash"], seen[1]["hash"]);

    let list_all = include_str!("../../../api/src/audit/list_all.sql");
    let mut filters: Vec<Parameter> = vec![None; 9];
    let mut ids = std::collections::HashSet::new();
    loop {
        let (items, last) = page(&trail, list_all, &filters, 6).await?;
        for item in items {
            assert!(ids.insert(item["event_id"].to_string()));
        }
        (filters[7], filters[8]) = last;
        if filters[7].is_none() {
            break;
        }
    }
    assert_eq!(ids.len(), 25);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_select_the_matching_entries() -> Result<()> {
    let trail = Trail::new().await?;
    let user = Uuid::new_v4();
    let mut frame: Vec<Value> = (0..6)
        .map(|n| event(user, now() - Duration::hours(n)))
        .collect();
    frame[2]["type"] = "task.completed".into();
    frame[3]["data"]["actor"] = serde_json::json!({"type": "agent", "id": "recurring"});
    trail.append(&frame).await?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    // Index of the parameter, its value, and the numbers of the matching entries.
    let cases: [(usize, Parameter, &[i64]); 8] = [
        (1, text(&frame[4]["subject"]), &[5]),
        (2, Some("task.completed".to_owned()), &[3]),
        (3, Some("agent".to_owned()), &[4]),
        (3, Some("recurring".to_owned()), &[4]),
        (4, text(&frame[1]["time"]), &[2, 1]),
        (5, text(&frame[3]["time"]), &[6, 5]),
        (6, text(&frame[0]["correlationid"]), &[1]),
        (6, Some("none".to_owned()), &[]),
    ];
    for (position, value, expected) in cases {
        let mut of_user: Vec<Parameter> = vec![None; 9];
        of_user[0] = Some(user.to_string());
        of_user[position].clone_from(&value);
        let (items, _) = page(
            &trail,
            include_str!("../../../api/src/audit/list_user.sql"),
            &of_user,
            50,
        )
        .await?;
        let numbers: Vec<i64> = items
            .iter()
            .filter_map(|item| item["no"].as_i64())
            .collect();
        assert_eq!(numbers, expected, "filter {position} = {value:?}");

        let mut of_all: Vec<Parameter> = vec![None; 9];
        of_all[position].clone_from(&value);
        let (items, _) = page(
            &trail,
            include_str!("../../../api/src/audit/list_all.sql"),
            &of_all,
            50,
        )
        .await?;
        assert_eq!(
            items.len(),
            expected.len(),
            "filter {position} = {value:?}, all users"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tasks_history_is_visible_to_its_owner_only() -> Result<()> {
    let trail = Trail::new().await?;
    let (user, other) = (Uuid::new_v4(), Uuid::new_v4());
    let created = event(user, now());
    let task = created["subject"].as_str().map(str::to_owned);
    let mut deleted = event(user, now());
    deleted["type"] = "task.deleted".into();
    deleted["subject"] = created["subject"].clone();
    deleted["data"] = serde_json::json!({"task": {"id": created["subject"]}});
    trail
        .append(&[created, event(user, now()), deleted])
        .await?;
    let sql = include_str!("../../../api/src/audit/history.sql");
    for (reader, entries) in [(Some(user), Some(2)), (None, Some(2)), (Some(other), None)] {
        let texts = [
            task.clone(),
            reader.map(|reader| reader.to_string()),
            None,
            None,
        ];
        let (items, _) = page(&trail, sql, &texts, 50).await?;
        let row = trail
            .owner
            .query_one(
                sql,
                &[
                    &texts[0], &texts[1], &texts[2], &texts[3], &50_i64, &NO_RATE,
                ],
            )
            .await?;
        assert_eq!(row.get::<_, bool>(3), entries.is_some(), "{reader:?}");
        assert_eq!(items.len(), entries.unwrap_or_default(), "{reader:?}");
    }
    Ok(())
}
