//! The order of two sort keys, for a user with more tasks than are sorted at once.

use std::cmp::Ordering;

use anyhow::{Result, ensure};
use serde_json::Value;
use tests::fixture::Fixture;

/// With more tasks than are sorted at once, pages follow each other in the order of both keys, also where many tasks share the first one.
pub async fn two_sort_keys_of_many_tasks(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let insert = include_str!("../../sql/insert_mixed_tasks.sql");
    fixture.database.execute(insert, &[&user.id]).await?;
    let all = user.pages("/api/tasks?limit=200").await?;
    ensure!(all.len() == 1200, "{} tasks", all.len());
    for (sort, order) in [
        ("priority,title", "desc,asc"),
        ("priority,title", "asc,asc"),
        ("priority,due_at", "asc,desc"),
        ("due_at,title", "asc,desc"),
        ("due_at,priority", "desc,desc"),
        ("completed_at,title", "asc,asc"),
        ("completed_at,due_at", "desc,asc"),
        ("title,priority", "desc,asc"),
        ("created_at,title", "desc,asc"),
    ] {
        for (filter, passes) in FILTERS {
            let mut expected: Vec<_> = all.iter().filter(|task| passes(task)).collect();
            let keys = sort.split(',').zip(order.split(','));
            expected.sort_by(|one, other| {
                let mut found = Ordering::Equal;
                let mut is_descending = false;
                for (key, direction) in keys.clone() {
                    is_descending = direction == "desc";
                    let compared =
                        comparable(one, key, direction).cmp(&comparable(other, key, direction));
                    found = found.then(if is_descending {
                        compared.reverse()
                    } else {
                        compared
                    });
                }
                let by_id = one["id"].as_str().cmp(&other["id"].as_str());
                found.then(if is_descending {
                    by_id.reverse()
                } else {
                    by_id
                })
            });
            let query = format!("sort={sort}&order={order}&limit=83{filter}");
            let found = user.pages(&format!("/api/tasks?{query}")).await?;
            let ids = |tasks: &[&Value]| -> Vec<_> {
                tasks.iter().map(|task| task["id"].to_string()).collect()
            };
            let (found, expected) = (ids(&found.iter().collect::<Vec<_>>()), ids(&expected));
            let wrong = found
                .iter()
                .zip(&expected)
                .position(|(one, other)| one != other);
            ensure!(
                found.len() == expected.len() && wrong.is_none(),
                "{query}: {} tasks instead of {}, wrong from {wrong:?} on",
                found.len(),
                expected.len()
            );
        }
    }
    Ok(())
}

/// Whether a task passes a filter.
type Passes = fn(&Value) -> bool;

/// Filters that many and few of the mixed tasks pass.
const FILTERS: [(&str, Passes); 4] = [
    ("", |_| true),
    ("&status=open", |task| task["status"] == "open"),
    ("&priority=urgent,low", |task| {
        task["priority"] == "urgent" || task["priority"] == "low"
    }),
    ("&q=even", |task| task["title"].to_string().contains("even")),
];

/// A value whose order is that of a sort key.
fn comparable(task: &Value, key: &str, direction: &str) -> String {
    let value = match key {
        "priority" => ["low", "medium", "high", "urgent"]
            .iter()
            .position(|name| task[key] == *name)
            .map(|place| place.to_string()),
        _ => task[key].as_str().map(str::to_owned),
    };
    // What is not due comes last in both directions.
    let is_last = key == "due_at" && direction == "asc";
    value.unwrap_or_else(|| if is_last { "z" } else { "" }.to_owned())
}
