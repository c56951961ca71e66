//! Lists and searches at the database: the latency of each sort order, filter and kind of search for a user who owns a tenth of
//! all tasks.

use std::time::{Duration, Instant};

use anyhow::Result;
use stage::task_list::TaskList;
use tokio_postgres::Client;

use super::{Plan, ms};

/// Each statement is sent this often, or as often as fits into the length of a measurement.
const TIMES: usize = 200;

pub async fn run(plan: &Plan, db: &Client) -> Result<()> {
    println!(
        "\nLists and searches among {} tasks, a tenth of them the reader's",
        plan.tasks
    );
    let started = Instant::now();
    let fill = include_str!("sql/fill_tasks.sql").replace("$ROWS", &plan.tasks.to_string());
    db.batch_execute(&fill).await?;
    db.batch_execute("vacuum analyze tasks").await?;
    println!("  filled in {:.0} s", started.elapsed().as_secs_f64());
    let row = db.query_one(include_str!("sql/middle.sql"), &[]).await?;
    let user: String = row.get(0);
    // The API's role with its settings.
    db.batch_execute("set role spindle_api; set jit = off; set work_mem = '16MB'")
        .await?;
    println!("  {:44} {:>9} {:>9}", "", "p50", "p99");
    for (place, sort) in ["created_at", "updated_at", "due_at", "priority", "title"]
        .into_iter()
        .enumerate()
    {
        for descending in [false, true] {
            let list = TaskList {
                sort,
                descending,
                ..TaskList::newest()
            };
            let order = if descending {
                "descending"
            } else {
                "ascending"
            };
            show(
                plan,
                db,
                &user,
                &format!("by {sort}, {order}"),
                list.clone(),
            )
            .await?;
            let deep = TaskList {
                key: row.get(2 + place),
                id: row.get(1),
                ..list
            };
            show(
                plan,
                db,
                &user,
                &format!("by {sort}, {order}, from the middle"),
                deep,
            )
            .await?;
        }
    }
    for (name, list) in lists() {
        show(plan, db, &user, name, list).await?;
    }
    for (name, terms) in SEARCHES {
        show(plan, db, &user, name, TaskList::search(terms)).await?;
    }
    Ok(())
}

fn lists() -> Vec<(&'static str, TaskList)> {
    let newest = TaskList::newest;
    vec![
        (
            "status",
            TaskList {
                status: Some(vec!["in_progress"]),
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
                tag: Some(vec!["rare"]),
                ..newest()
            },
        ),
        (
            "rare tag by title",
            TaskList {
                tag: Some(vec!["rare"]),
                sort: "title",
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
            "overdue by due",
            TaskList {
                overdue: Some(true),
                sort: "due_at",
                descending: false,
                ..newest()
            },
        ),
        (
            "due in one day, the newest first",
            TaskList {
                due_after: Some("2026-05-01T00:00:00Z"),
                due_before: Some("2026-05-02T00:00:00Z"),
                ..newest()
            },
        ),
        (
            "no such series",
            TaskList {
                series: Some("00000000-0000-0000-0000-000000000000"),
                ..newest()
            },
        ),
        (
            "updated in the last minutes",
            TaskList {
                updated_after: Some("now"),
                ..newest()
            },
        ),
        (
            "a common word by title",
            TaskList {
                sort: "title",
                ..TaskList::search(&["*plan"])
            },
        ),
        (
            "a rare word by title",
            TaskList {
                sort: "title",
                ..TaskList::search(&["*waterland"])
            },
        ),
    ]
}

/// Searches: a description with the query that a person types, and the terms that the API sends for it.
const SEARCHES: &[(&str, &[&str])] = &[
    ("a very common word: the", &["*the"]),
    ("a common word: water", &["*water"]),
    ("a rare word: waterland", &["*waterland"]),
    ("no word: qqqq", &["*qqqq"]),
    ("a letter: w", &["*w"]),
    ("a beginning: wa", &["*wa"]),
    ("two words: water plan", &["+water", "*plan"]),
    ("three common words: the and for", &["+the", "+and", "*for"]),
    ("common and rare: the waterland", &["+the", "*waterland"]),
    ("a phrase: \"the water\"", &["\"the water"]),
    ("part of a word: pflanz", &["*pflanz"]),
    ("part of many words: ing", &["*ing"]),
    ("one character: 水", &["*水"]),
    ("two characters: 水を", &["*水を"]),
    ("a phrase of characters: 北京上", &["*北京上"]),
    ("an exclusion: water -plants", &["+water", "-+plants"]),
    ("only an exclusion: -the", &["-+the"]),
    ("either: plants or rechnung", &["+plants", "|", "*rechnung"]),
];

async fn show(plan: &Plan, db: &Client, user: &str, name: &str, list: TaskList) -> Result<()> {
    let list = list.of(user);
    let mut times: Vec<Duration> = Vec::new();
    let started = Instant::now();
    while times.len() < TIMES && started.elapsed() < plan.length {
        let sent = Instant::now();
        list.send(db, "").await?;
        times.push(sent.elapsed());
    }
    times.sort_unstable();
    let share = |share: f64| {
        let index = (times.len().saturating_sub(1) as f64 * share).round() as usize;
        ms(times.get(index).copied().unwrap_or_default())
    };
    println!("  {name:44} {:>9} {:>9}", share(0.5), share(0.99));
    Ok(())
}
