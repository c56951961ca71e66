//! The work of a page: every order, filter and search of the task list reads few pages of tables and indexes, also if the user has
//! many tasks or the table has many of other users.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stage::services::shared;
use stage::task_list::TaskList;
use tests::fixture::{Fixture, connect};
use tokio_postgres::Client;
use uuid::Uuid;

/// The buffers that a page may read: 51 tasks, each from the table and from its primary key, and the way to them.
const PLAIN: i64 = 400;
/// In the order of two sort keys: also the first 1,000 entries of an index, and a walk in the order of the second key until a page has the
/// same first key.
const TWO_KEYS: i64 = 600;
/// A search in the order of two sort keys: also all matches with the same first key, of 1,000 tasks, if few match.
const TWO_KEYS_SEARCHED: i64 = 3_500;
/// With a filter that few of the tasks match: also the first 100 tasks of the order.
const SELECTIVE: i64 = 400;
/// With a filter that many match in some order: also a walk until the page is full, or 1,000 tasks that are sorted.
const FILTERED: i64 = 2_500;
/// With relevance: 1,000 matches of 4,000 tasks.
const RANKED: i64 = 4_500;

/// The first page, or the one after the task with these sort keys.
fn page(after: Option<&str>) -> TaskList {
    TaskList {
        keys: after.map(str::to_owned),
        id: after.map(|_| Uuid::nil().to_string()),
        ..TaskList::newest()
    }
}

/// The ranges of times with these ends at some places.
fn times<const N: usize>(ends: [(usize, &'static str); N]) -> Vec<Option<&'static str>> {
    let mut times = vec![None; 8];
    for (place, end) in ends {
        times[place] = Some(end);
    }
    times
}

/// List requests of every form, with their names and the buffers that they may read.
fn list_requests() -> Vec<(String, TaskList, i64)> {
    let newest = TaskList::newest;
    let mut requests = Vec::new();
    for (sort, keys) in [
        (vec!["created_at"], "{2026-01-01}"),
        (vec!["updated_at"], "{2026-01-01}"),
        (vec!["due_at"], "{2026-01-01}"),
        (vec!["completed_at"], "{-infinity}"),
        (vec!["priority"], "{2}"),
        (vec!["title"], "{task 7}"),
    ] {
        for direction in ["asc", "desc"] {
            for after in [None, Some(keys)] {
                let asked = TaskList {
                    sort: sort.clone(),
                    order: vec![direction],
                    ..page(after)
                };
                let name = format!("{sort:?} {direction}, after {after:?}");
                requests.push((name, asked, PLAIN));
            }
        }
    }
    for (sort, order, keys) in [
        (["priority", "due_at"], ["desc", "asc"], "{2,2026-01-01}"),
        // Many tasks have the same priority, no due date, or no time of completion.
        (["priority", "title"], ["asc", "desc"], "{2,task 7}"),
        (
            ["priority", "created_at"],
            ["desc", "desc"],
            "{2,2026-01-01}",
        ),
        (["due_at", "title"], ["asc", "asc"], "{infinity,task 7}"),
        (
            ["completed_at", "title"],
            ["asc", "asc"],
            "{-infinity,task 7}",
        ),
        (["title", "due_at"], ["asc", "desc"], "{task 7,2026-01-01}"),
        (
            ["created_at", "title"],
            ["desc", "asc"],
            "{2026-01-01,task 7}",
        ),
    ] {
        for after in [None, Some(keys)] {
            let asked = TaskList {
                sort: sort.into(),
                order: order.into(),
                ..page(after)
            };
            let name = format!("{sort:?} {order:?}, after {after:?}");
            requests.push((name, asked, TWO_KEYS));
        }
    }
    requests.push((
        "deleted tasks".to_owned(),
        TaskList {
            deleted: true,
            sort: vec!["deleted_at"],
            ..newest()
        },
        PLAIN,
    ));
    let past = "2026-01-01T00:00:00Z";
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
                times: times([(1, past)]),
                ..newest()
            },
        ),
        (
            "due after",
            TaskList {
                times: times([(0, past)]),
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
                times: times([(4, past)]),
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
                sort: vec![sort],
                ..TaskList::search(&terms)
            };
            let limit = if sort == "title" { FILTERED } else { RANKED };
            requests.push((format!("{terms:?} by {sort}"), asked, limit));
        }
        let asked = TaskList {
            sort: vec!["priority", "title"],
            order: vec!["desc", "asc"],
            ..TaskList::search(&terms)
        };
        let name = format!("{terms:?} by priority and title");
        requests.push((name, asked, TWO_KEYS_SEARCHED));
    }
    requests.extend(selective_filters().map(|(name, asked)| (name.to_owned(), asked, SELECTIVE)));
    requests
}

/// Filters that few or none of a user's many tasks match, in an order in which they are far apart.
fn selective_filters() -> [(&'static str, TaskList); 8] {
    let by_title = || TaskList {
        sort: vec!["title"],
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
                times: times([(0, "2025-12-31"), (1, "2026-01-02")]),
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

pub async fn every_list_reads_little(_: &mut Fixture) -> Result<()> {
    let database = &own_database().await?;
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
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// The agent looks for series that are due. Those that are not due cost nothing, however many they are, and whatever the planner knows of
/// the table.
pub async fn a_claim_reads_little(_: &mut Fixture) -> Result<()> {
    const LIMIT: i64 = 100;
    let database = &own_database().await?;
    database
        .batch_execute(include_str!("../../sql/claim_once.sql"))
        .await?;
    let mut read = Vec::new();
    database
        .execute(include_str!("../../sql/insert_many_series.sql"), &[])
        .await?;
    for analyze in ["select", "vacuum analyze series"] {
        database.batch_execute(analyze).await?;
        database
            .batch_execute("set role spindle_api; set jit = off")
            .await?;
        // After five executions, Postgres may choose a plan for any parameter.
        for _ in 0..8 {
            let statement = include_str!("../../sql/claim_buffers.sql");
            let plan: Value = database.query_one(statement, &[]).await?.get(0);
            read.push(buffers_of(&plan)?);
        }
        database.batch_execute("reset role; reset jit").await?;
    }
    // The first look reads the catalog.
    let most = read.iter().skip(1).max().context("no plan")?;
    ensure!(*most <= LIMIT, "{read:?} buffers instead of {LIMIT}");
    Ok(())
}

/// A look for reminders and messages that are due costs the same, however many are not.
pub async fn a_look_for_reminders_reads_little(_: &mut Fixture) -> Result<()> {
    // Each shard of users has its own part of the index.
    const LIMIT: i64 = 64 * 8;
    let database = &own_database().await?;
    let insert = include_str!("../../sql/insert_many_reminders.sql");
    database.execute(insert, &[]).await?;
    let mut read = Vec::new();
    for analyze in ["select", "vacuum analyze reminders"] {
        database.batch_execute(analyze).await?;
        database.batch_execute("set role spindle_agent").await?;
        // After five executions, Postgres may choose a plan for any parameter.
        for _ in 0..8 {
            let statement = include_str!("../../sql/fire_buffers.sql");
            let plan: Value = database.query_one(statement, &[]).await?.get(0);
            read.push(buffers_of(&plan)?);
        }
        database.batch_execute("reset role").await?;
    }
    // The first look reads the catalog.
    let most = read.iter().skip(1).max().context("no plan")?;
    ensure!(*most <= LIMIT, "{read:?} buffers instead of {LIMIT}");
    Ok(())
}

/// A database without tasks of other tests, because what they wrote and deleted moves rows to further pages.
pub async fn own_database() -> Result<Client> {
    connect(&shared::migrated("plans").await?).await
}

/// The number of buffers that a page reads.
async fn buffers(database: &Client, asked: &TaskList) -> Result<i64> {
    let parameters = asked.parameters();
    let (_, parameters) = parameters.split_last().context("the rate")?;
    let statement = include_str!("../../sql/page_buffers.sql");
    // The session reads the catalog when a statement is new to it.
    database.query_one(statement, parameters).await?;
    let plan: Value = database.query_one(statement, parameters).await?.get(0);
    buffers_of(&plan)
}

pub fn buffers_of(plan: &Value) -> Result<i64> {
    let count = |kind: &str| {
        plan.pointer(&format!("/0/Plan/Shared {kind} Blocks"))
            .and_then(Value::as_i64)
    };
    Ok(count("Hit").context("no plan")? + count("Read").unwrap_or_default())
}
