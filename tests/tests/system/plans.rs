//! The work of a page: every order, filter and search of the task list reads few pages of tables and indexes, also if the user has
//! many tasks or the table has many of other users.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stage::task_list::TaskList;
use tests::fixture::Fixture;
use tokio_postgres::Client;
use uuid::Uuid;

/// The buffers that a page may read: 51 tasks, each from the table and from its primary key, and the way to them.
const PLAIN: i64 = 400;
/// With a filter that few of the tasks match: also the first 100 tasks of the order.
const SELECTIVE: i64 = 400;
/// With a filter that many match in some order: also a walk until the page is full, or 1,000 tasks that are sorted.
const FILTERED: i64 = 2_500;
/// With relevance: 1,000 matches of 4,000 tasks.
const RANKED: i64 = 4_500;

/// List requests of every form, with their names and the buffers that they may read.
fn list_requests() -> Vec<(String, TaskList, i64)> {
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
                    PLAIN,
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
    requests.extend(filters.map(|(name, asked)| (name.to_owned(), asked, FILTERED)));
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
            let limit = if sort == "title" { FILTERED } else { RANKED };
            requests.push((format!("{terms:?} by {sort}"), asked, limit));
        }
    }
    requests.extend(selective_filters().map(|(name, asked)| (name.to_owned(), asked, SELECTIVE)));
    requests
}

/// Filters that few or none of a user's many tasks match, in an order in which they are far apart.
fn selective_filters() -> [(&'static str, TaskList); 8] {
    let by_title = || TaskList {
        sort: "title",
        ..TaskList::newest()
    };
    [
        (
            "no such status by title",
            TaskList {
                status: Some(vec!["completed"]),
                ..by_title()
            },
        ),
        (
            "no such priority by title",
            TaskList {
                priority: Some(vec!["urgent"]),
                ..by_title()
            },
        ),
        (
            "no such tag by title",
            TaskList {
                tag: Some(vec!["none"]),
                ..by_title()
            },
        ),
        (
            "no such series by title",
            TaskList {
                series: Some("00000000-0000-0000-0000-000000000000"),
                ..by_title()
            },
        ),
        (
            "due on a day by title",
            TaskList {
                due_after: Some("2026-01-01T00:00:00Z"),
                due_before: Some("2026-01-02T00:00:00Z"),
                ..by_title()
            },
        ),
        (
            "a rare word by title",
            TaskList {
                terms: Some(vec!["*rareword".to_owned()]),
                ..by_title()
            },
        ),
        ("a rare word by relevance", TaskList::search(&["*arewor"])),
        ("no word by relevance", TaskList::search(&["*qqqq"])),
    ]
}

pub async fn every_list_reads_little(fixture: &mut Fixture) -> Result<()> {
    let database = &fixture.database;
    database
        .execute(include_str!("../../sql/insert_many_tasks.sql"), &[])
        .await?;
    // Statements run as the API's role, with those of its settings that affect plans.
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
    for (name, asked, limit) in list_requests() {
        for (owner, user) in [("of many tasks", users.get(0)), ("of a few", users.get(1))] {
            let user: String = user;
            let read = buffers(database, &asked.clone().of(user))
                .await
                .with_context(|| name.clone())?;
            if read > limit {
                wrong.push(format!(
                    "{name}, {owner}: {read} buffers instead of {limit}"
                ));
            }
        }
    }
    database
        .batch_execute("reset role; reset jit; reset work_mem")
        .await?;
    database
        .execute(include_str!("../../sql/delete_many_tasks.sql"), &[])
        .await?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// The number of buffers that a page reads.
async fn buffers(database: &Client, asked: &TaskList) -> Result<i64> {
    let parameters = asked.parameters();
    let (_, parameters) = parameters.split_last().context("the rate")?;
    let statement = include_str!("../../sql/page_buffers.sql");
    // The session reads the catalog when a statement is new to it.
    database.query_one(statement, parameters).await?;
    let plan: Value = database.query_one(statement, parameters).await?.get(0);
    let count = |kind: &str| {
        plan.pointer(&format!("/0/Plan/Shared {kind} Blocks"))
            .and_then(Value::as_i64)
    };
    Ok(count("Hit").context("no plan")? + count("Read").unwrap_or_default())
}
