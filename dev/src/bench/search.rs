//! Lists and searches through the API, for a user who owns a tenth of all tasks: the latency of each sort order, filter and kind of
//! search for one client, and the throughput of searches of many clients.
//!
//! They are measured through the API, because Spin has Postgres parse and plan each statement anew, and because a session is reset
//! between requests. The texts of the tasks are short, medium and long, because what is stored outside of a table's row costs more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::Method;
use stage::system::System;
use tokio_postgres::Client;

use super::load::{self, Pace, RequestSpec};
use super::{Plan, ms, tokens};

/// The longest time for which one kind of request is sent by one client.
const LENGTH: Duration = Duration::from_secs(2);

/// Lists: a name with the query.
const LISTS: &[(&str, &str)] = &[
    ("by created_at", ""),
    ("by created_at, ascending", "sort=created_at&order=asc"),
    ("by updated_at", "sort=updated_at"),
    ("by due_at", "sort=due_at"),
    ("by due_at, descending", "sort=due_at&order=desc"),
    ("by priority", "sort=priority"),
    ("by title", "sort=title"),
    ("status", "status=in_progress"),
    ("status by title", "status=in_progress&sort=title"),
    (
        "few of a status by title",
        "status=cancelled&tag=rare&sort=title",
    ),
    ("priority by title", "priority=urgent&sort=title"),
    ("tag", "tag=home"),
    ("rare tag", "tag=rare"),
    ("rare tag by title", "tag=rare&sort=title"),
    ("overdue", "overdue=true"),
    ("overdue by due", "overdue=true&sort=due_at"),
    (
        "due in one day, the newest first",
        "due_after=2026-05-01T00:00:00Z&due_before=2026-05-02T00:00:00Z",
    ),
    (
        "no such series",
        "series_id=00000000-0000-0000-0000-000000000000",
    ),
    (
        "updated after a time to come",
        "updated_after=2100-01-01T00:00:00Z",
    ),
    ("a common word by title", "q=plan&sort=title"),
    ("a rare word by title", "q=waterland&sort=title"),
];

/// Searches by relevance: a name with the query that a person types, encoded.
const SEARCHES: &[(&str, &str)] = &[
    ("a very common word: the", "the"),
    ("a common word: water", "water"),
    ("a rare word: waterland", "waterland"),
    ("no word: qqqq", "qqqq"),
    ("a letter: w", "w"),
    ("a beginning: wa", "wa"),
    ("two words: water plan", "water+plan"),
    ("three common words: the and for", "the+and+for"),
    ("common and rare: the waterland", "the+waterland"),
    ("a phrase: \"the water\"", "%22the+water%22"),
    ("part of a word: pflanz", "pflanz"),
    ("part of many words: ing", "ing"),
    ("one character: 水", "%E6%B0%B4"),
    ("two characters: 水を", "%E6%B0%B4%E3%82%92"),
    (
        "a phrase of characters: 北京上",
        "%E5%8C%97%E4%BA%AC%E4%B8%8A",
    ),
    ("an exclusion: water -plants", "water+-plants"),
    ("only an exclusion: -the", "-the"),
    ("either: plants OR rechnung", "plants+OR+rechnung"),
];

/// The searches whose throughput is measured.
const RARE: &str = "/api/tasks?q=waterland";
const COMMON: &str = "/api/tasks?q=water";

pub async fn run(plan: &Plan, system: &System, db: &Client) -> Result<()> {
    println!(
        "\nLists and searches through the API among {} tasks, a tenth of them the reader's",
        plan.tasks
    );
    let started = Instant::now();
    let fill = include_str!("sql/fill_tasks.sql").replace("$ROWS", &plan.tasks.to_string());
    db.batch_execute(&fill).await?;
    db.batch_execute("vacuum analyze tasks").await?;
    println!("  filled in {:.0} s", started.elapsed().as_secs_f64());
    // The first user owns a tenth of the tasks.
    let users = tokens::users(db, system.token_keys(), 1).await?;
    let (_, token) = users.first().context("no user")?;
    let url = system.api_url();
    let address = url.trim_start_matches("http://");

    println!("  {:44} {:>9} {:>9}", "", "p50", "p99");
    let searches = SEARCHES
        .iter()
        .map(|(name, typed)| (*name, format!("q={typed}")));
    let lists = LISTS
        .iter()
        .map(|(name, query)| (*name, (*query).to_owned()));
    for (name, query) in lists.chain(searches) {
        let path = format!("/api/tasks?{query}");
        let outcome = send(address, 1, plan.length.min(LENGTH), &path, token).await?;
        println!(
            "  {name:44} {:>9} {:>9}",
            ms(outcome.percentile(0.5)),
            ms(outcome.percentile(0.99))
        );
    }
    for (name, path) in [("a rare word", RARE), ("a common word", COMMON)] {
        let outcome = send(address, plan.connections, plan.length, path, token).await?;
        println!(
            "  {name}, {} clients: {:.0}/s, p50 {} p99 {}",
            plan.connections,
            outcome.rate(),
            ms(outcome.percentile(0.5)),
            ms(outcome.percentile(0.99))
        );
    }
    Ok(())
}

/// Sends one request again and again.
async fn send(
    address: &str,
    connections: usize,
    length: Duration,
    path: &str,
    token: &Arc<str>,
) -> Result<load::Outcome> {
    let (path, token) = (path.to_owned(), token.clone());
    let shown = path.clone();
    let request = move |_| RequestSpec {
        method: Method::GET,
        path: path.clone(),
        token: token.clone(),
        body: Bytes::new(),
    };
    let outcome = load::run(address, connections, Pace::Closed, length, request).await?;
    ensure!(
        outcome.failures == 0 && outcome.rate() > 0.0,
        "{shown}: {} requests failed",
        outcome.failures
    );
    Ok(outcome)
}
