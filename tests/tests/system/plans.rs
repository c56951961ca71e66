//! Query plans: every order, filter and search of the task list uses an index. The plans are those of the statements that the
//! API sends, with its parameters.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stage::task_list::TaskList;
use tests::fixture::Fixture;
use tokio_postgres::Client;
use uuid::Uuid;

/// List requests of every form, by name. In a name, `filtered` means that the request has a filter or a search.
fn list_requests() -> Vec<(String, TaskList)> {
    let newest = TaskList::newest;
    let mut requests = Vec::new();
    for (sort, key) in [
        ("created_at", "2026-01-01"),
        ("updated_at", "2026-01-01"),
        ("due_at", "2026-01-01"),
        ("priority", "2"),
        ("title", "task 7"),
    ] {
        for descending in [false, true] {
            for after in [None, Some(key)] {
                let asked = TaskList {
                    sort,
                    descending,
                    key: after.map(str::to_owned),
                    id: after.map(|_| Uuid::nil().to_string()),
                    ..newest()
                };
                requests.push((
                    format!("{sort}, descending {descending}, after {after:?}"),
                    asked,
                ));
            }
        }
    }
    let past = Some("2026-01-01T00:00:00Z");
    let filters = [
        (
            "status",
            TaskList {
                status: Some(vec!["open"]),
                ..newest()
            },
        ),
        (
            "priority",
            TaskList {
                priority: Some(vec!["low", "high"]),
                ..newest()
            },
        ),
        (
            "tag",
            TaskList {
                tag: Some(vec!["home"]),
                ..newest()
            },
        ),
        (
            "rare tag",
            TaskList {
                tag: Some(vec!["rare", "home"]),
                ..newest()
            },
        ),
        (
            "no such tag",
            TaskList {
                tag: Some(vec!["none"]),
                ..newest()
            },
        ),
        (
            "any tag",
            TaskList {
                tag_any: Some(vec!["rare", "none"]),
                ..newest()
            },
        ),
        (
            "due before",
            TaskList {
                due_before: past,
                ..newest()
            },
        ),
        (
            "due after",
            TaskList {
                due_after: past,
                ..newest()
            },
        ),
        (
            "overdue",
            TaskList {
                overdue: Some(true),
                ..newest()
            },
        ),
        (
            "not overdue",
            TaskList {
                overdue: Some(false),
                ..newest()
            },
        ),
        (
            "series",
            TaskList {
                series: Some("00000000-0000-0000-0000-000000000000"),
                ..newest()
            },
        ),
        (
            "updated after",
            TaskList {
                updated_after: past,
                ..newest()
            },
        ),
    ];
    requests.extend(filters.map(|(name, asked)| (format!("{name}, filtered"), asked)));
    for terms in [
        vec!["*common"],
        vec!["*rareword"],
        vec!["*com"],
        vec!["*c"],
        vec!["+common", "*rareword"],
        vec!["\"task common"],
        vec!["*arewor"],
        vec!["*水"],
        vec!["*水を"],
        vec!["*植物に水を"],
        vec!["+common", "-+task"],
        vec!["-+common"],
        vec!["+rareword", "|", "*common"],
        vec![],
    ] {
        for sort in ["relevance", "title"] {
            let asked = TaskList {
                sort,
                ..TaskList::search(&terms)
            };
            requests.push((format!("{terms:?} by {sort}, filtered"), asked));
        }
    }
    // Many tasks match, so walking the index of the order finds a page sooner than collecting all matches.
    let common = TaskList {
        sort: "title",
        ..TaskList::search(&["*common"])
    };
    requests.push(("a common word by title".to_owned(), common));
    requests
}

/// Filters that few of a user's many tasks match, each with the index that must serve it.
fn selective_filters() -> [(&'static str, TaskList); 3] {
    let newest = TaskList::newest;
    [
        (
            "tasks_open",
            TaskList {
                status: Some(vec!["open"]),
                ..newest()
            },
        ),
        (
            "tasks_series",
            TaskList {
                series: Some("00000000-0000-0000-0000-000000000000"),
                ..newest()
            },
        ),
        (
            "tasks_due",
            TaskList {
                due_after: Some("2026-01-01T00:00:00Z"),
                due_before: Some("2026-01-02T00:00:00Z"),
                ..newest()
            },
        ),
    ]
}

pub async fn every_list_uses_an_index(fixture: &mut Fixture) -> Result<()> {
    let database = &fixture.database;
    database
        .execute(include_str!("../../sql/insert_many_tasks.sql"), &[])
        .await?;
    // Plans are made as the API's role, with those of its settings that affect them.
    database.batch_execute("vacuum analyze tasks").await?;
    database
        .batch_execute("set role spindle_api; set jit = off; set work_mem = '16MB'")
        .await?;
    let users = database
        .query_one(
            "select md5('big')::uuid::text, md5('small 7')::uuid::text",
            &[],
        )
        .await?;
    let mut wrong = Vec::new();
    for (name, asked) in list_requests() {
        for (owner, user) in [("of many tasks", users.get(0)), ("of a few", users.get(1))] {
            let user: String = user;
            let asked = asked.clone().of(user);
            let plan = plan(database, &asked).await.with_context(|| name.clone())?;
            let filtered = name.ends_with("filtered");
            if reads_all(&plan) || (!filtered && owner == "of many tasks" && sorts_all(&plan)) {
                wrong.push(format!("{name}, {owner}: {plan}"));
            }
        }
    }
    for (index, asked) in selective_filters() {
        let asked = asked.of(users.get::<_, String>(0));
        let plan = plan(database, &asked).await.context(index)?;
        if !plan.to_string().contains(&format!("\"{index}\"")) {
            wrong.push(format!("{index} is not used: {plan}"));
        }
    }
    database
        .batch_execute("reset role; reset jit; reset work_mem")
        .await?;
    database
        .execute(include_str!("../../sql/delete_many_tasks.sql"), &[])
        .await?;
    ensure!(
        wrong.is_empty(),
        "these plans read all tasks, sort all tasks of a user, or do not use the index:\n{}",
        wrong.join("\n")
    );
    Ok(())
}

async fn plan(database: &Client, asked: &TaskList) -> Result<Value> {
    Ok(asked
        .send(database, "explain (format json)\n")
        .await?
        .get(0))
}

/// Whether a plan scans the whole table anywhere. A branch under a condition that is always false is never executed, so it does
/// not count.
fn reads_all(plan: &Value) -> bool {
    let condition = plan.get("One-Time Filter").and_then(Value::as_str);
    if condition.is_some_and(|condition| condition.starts_with("(false AND")) {
        return false;
    }
    match plan {
        Value::Array(parts) => parts.iter().any(reads_all),
        Value::Object(node) => {
            let all = node.get("Node Type").is_some_and(|kind| kind == "Seq Scan")
                && node
                    .get("Relation Name")
                    .is_some_and(|table| table == "tasks");
            all || node.values().any(reads_all)
        }
        _ => false,
    }
}

/// Whether a plan sorts tasks anywhere before a limit has cut them to a page.
fn sorts_all(plan: &Value) -> bool {
    let kind = plan.get("Node Type").and_then(Value::as_str);
    let inner: Vec<&Value> = match plan {
        Value::Array(parts) => parts.iter().collect(),
        Value::Object(node) => node.values().collect(),
        _ => Vec::new(),
    };
    let below = |test: fn(&Value) -> bool| inner.iter().any(|part| test(part));
    (kind == Some("Sort") && below(scans_without_limit)) || below(sorts_all)
}

/// Whether a plan reads tasks with no limit above the scan.
fn scans_without_limit(plan: &Value) -> bool {
    match plan {
        Value::Array(parts) => parts.iter().any(scans_without_limit),
        Value::Object(node) => {
            let is_limit = node.get("Node Type").is_some_and(|kind| kind == "Limit");
            !is_limit
                && (node
                    .get("Relation Name")
                    .is_some_and(|table| table == "tasks")
                    || node.values().any(scans_without_limit))
        }
        _ => false,
    }
}
