//! The native client over a real store, and against a server that answers as a script says.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod script;

use std::time::{Duration, Instant};

use client::answer::{Answer, Page};
use client::operation::Change;
use client::task::{Task, member};
use client_native::api::Api;
use client_native::device::Device;
use client_native::error::Error;
use client_native::home::Home;
use client_native::http::Patience;
use client_native::live::{Event, follow};
use client_native::sync::exchange;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Uuid;

use self::script::{Reply, Script};

const WAIT: Duration = Duration::from_secs(20);

/// A folder that is removed at the end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("spindle-native-{}", Uuid::now_v7())))
    }

    fn device(&self) -> Device {
        Device::open(Home::open(&self.0).unwrap()).unwrap()
    }

    /// Another connection to the store.
    fn store(&self) -> Connection {
        Connection::open(self.0.join("tasks.db")).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn create(title: &str) -> Vec<(Uuid, Change)> {
    vec![(Uuid::now_v7(), Change::Create(member("title", title)))]
}

fn titles(device: &Device) -> Vec<String> {
    let tasks = device.engine().tasks().filter(Task::is_alive);
    tasks.map(|task| task.text("title").to_owned()).collect()
}

fn page(tasks: Vec<Task>) -> Page {
    Page {
        seq: tasks.len() as u64,
        changes: tasks,
        series: Vec::new(),
        reminders: Vec::new(),
        notifications: Vec::new(),
        account: None,
        cursor: "c".to_owned(),
        more: false,
    }
}

fn empty_page(cursor: &str) -> Value {
    json!({"changes": [], "series": [], "reminders": [], "notifications": [], "account": null, "seq": 0, "cursor": cursor, "more": false})
}

#[test]
fn processes_share_one_state() {
    let folder = Folder::new();
    let (mut one, mut two) = (folder.device(), folder.device());
    one.edit(create("One"), None).unwrap();
    two.edit(create("Two"), None).unwrap();
    one.refresh().unwrap();
    assert_eq!(titles(&one), ["One", "Two"]);
    assert_eq!(one.take_news().len(), 2);
    assert_eq!(titles(&folder.device()), ["One", "Two"]);
    // A refused step changes nothing, also of what came before it in the same command.
    let mut step = create("Three");
    step.push((Uuid::nil(), Change::Complete));
    assert!(matches!(two.edit(step, None), Err(Error::Refused(_))));
    two.edit(create("Four"), None).unwrap();
    assert_eq!(titles(&folder.device()), ["One", "Two", "Four"]);
    assert_eq!(two.undo().unwrap().len(), 1);
    assert_eq!(one.undo().unwrap().len(), 1);
    assert_eq!(titles(&folder.device()), ["One"]);
}

/// Ten thousand tasks are read and written within a moment. The limit is ten times what it takes on a slow machine.
#[test]
fn ten_thousand_tasks() {
    let folder = Folder::new();
    let mut device = folder.device();
    let task = |number: u64| -> Task {
        let task = json!({"id": Uuid::from_u128(u128::from(number)), "seq": number, "version": 1, "deleted_at": null,
            "title": format!("Water the plants in room {number}"), "description": "With the small can.", "status": "open",
            "priority": "medium", "tags": ["home", "garden"], "due": {"datetime": "2026-03-01T09:00:00", "timezone": "Europe/Berlin"},
            "due_at": "2026-03-01T08:00:00Z", "recurrence": null, "reminders": [], "series_id": null, "occurrence": null,
            "occurrence_number": null, "created_at": "2026-02-27T09:00:00.123456Z", "updated_at": "2026-02-27T09:00:00.123456Z",
            "completed_at": null});
        serde_json::from_value(task).unwrap()
    };
    let request = device.next_request().unwrap().unwrap();
    let started = Instant::now();
    device
        .answer(
            request.number,
            Answer::Page(page((1..=10_000).map(task).collect())),
        )
        .unwrap();
    let saved = started.elapsed();
    let started = Instant::now();
    let mut next = folder.device();
    let opened = started.elapsed();
    let started = Instant::now();
    next.edit(create("One more"), None).unwrap();
    let edited = started.elapsed();
    println!("saved in {saved:?}, opened in {opened:?}, edited in {edited:?}");
    assert_eq!(titles(&next).len(), 10_001);
    assert!(saved + opened + edited < Duration::from_secs(10));
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    let folder = Folder::new();
    let script = Script::start(vec![
        Reply::new(503).header("retry-after", "1"),
        Reply::new(200).json(&empty_page("c1")),
        Reply::new(429).header("retry-after", "3600"),
    ])
    .await;
    let mut device = folder.device();
    let api = script.signed_in(&folder.0, Patience::LONG);
    let started = Instant::now();
    exchange(&mut device, &api, WAIT).await.unwrap();
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "it came back too early"
    );
    device.ask_for_pull();
    let error = exchange(&mut device, &api, WAIT).await.unwrap_err();
    assert!(
        matches!(error, Error::Busy { after } if after == Duration::from_secs(3600)),
        "{error}"
    );
}

#[tokio::test]
async fn what_the_server_refuses_for_good_is_kept_as_rejected() {
    let folder = Folder::new();
    let mut device = folder.device();
    let refusal = json!({"type": "urn:spindle:problems/invalid", "title": "Invalid", "status": 422, "detail": "no"});
    let script = Script::start(vec![
        Reply::new(200).json(&empty_page("c1")),
        // What a proxy answers is no reason to give an edit up.
        Reply::new(400).text("Bad Request"),
        Reply::new(422).json(&refusal),
        Reply::new(200).json(&empty_page("c1")),
    ])
    .await;
    let api = script.signed_in(&folder.0, Patience::LONG);
    exchange(&mut device, &api, WAIT).await.unwrap();
    device.edit(create("Refused"), None).unwrap();
    let error = exchange(&mut device, &api, WAIT).await.unwrap_err();
    assert!(matches!(error, Error::NotSpindle { .. }), "{error}");
    assert_eq!(folder.device().engine().pending().len(), 1);
    exchange(&mut device, &api, WAIT).await.unwrap();
    assert_eq!(folder.device().engine().pending(), []);
    let rejected = folder.device().rejected().unwrap();
    assert_eq!(rejected[0]["problem"], refusal);
    assert_eq!(rejected[0]["change"]["create"]["title"], "Refused");
}

/// With the entity tag of the last page, a server without news answers 304; the tag of another cursor is not sent.
#[tokio::test]
async fn nothing_new_costs_little() {
    let folder = Folder::new();
    let mut device = folder.device();
    let script = Script::start(vec![
        Reply::new(200)
            .header("etag", "\"7\"")
            .json(&empty_page("c1")),
        Reply::new(304),
    ])
    .await;
    let api = script.signed_in(&folder.0, Patience::LONG);
    exchange(&mut device, &api, WAIT).await.unwrap();
    device.ask_for_pull();
    exchange(&mut device, &api, WAIT).await.unwrap();
    let asked = script.asked();
    assert!(!asked[0].contains("if-none-match"), "{}", asked[0]);
    assert!(
        asked[1].starts_with("GET /api/sync?cursor=c1 "),
        "{}",
        asked[1]
    );
    assert!(asked[1].contains("if-none-match: \"7\""), "{}", asked[1]);
}

/// An answer to a refresh that is lost is asked for again at once, with the same token.
#[tokio::test]
async fn a_lost_refresh_is_sent_again() {
    let folder = Folder::new();
    let mut device = folder.device();
    let issued = json!({"access_token": "new", "refresh_token": "r2", "token_type": "Bearer", "expires_in": 600});
    let script = Script::start(vec![
        Reply::new(401).json(&json!({"type": "urn:spindle:problems/unauthorized"})),
        Reply::cut(),
        Reply::new(200).json(&issued),
        Reply::new(200).json(&empty_page("c1")),
    ])
    .await;
    let api: Api = script.signed_in(&folder.0, Patience::BRIEF);
    exchange(&mut device, &api, WAIT).await.unwrap();
    let asked = script.asked();
    for refresh in [&asked[1], &asked[2]] {
        assert!(refresh.contains("\"refresh_token\":\"r1\""), "{refresh}");
    }
    assert!(
        asked[3].contains("authorization: Bearer new"),
        "{}",
        asked[3]
    );
}

/// What a proxy answers while the server is away means that the server is away.
#[tokio::test]
async fn a_proxy_answers_for_the_server() {
    let folder = Folder::new();
    let mut device = folder.device();
    let replies = [500, 502, 503].map(|status| Reply::new(status).text("<h1>Away</h1>"));
    let script = Script::start(replies.into()).await;
    let once = Patience {
        attempts: Duration::ZERO,
        ..Patience::BRIEF
    };
    let api = script.signed_in(&folder.0, once);
    for _ in 0..2 {
        let error = exchange(&mut device, &api, WAIT).await.unwrap_err();
        let is_away = matches!(&error, Error::Unreachable { connected, .. } if *connected);
        assert!(is_away && error.passes(), "{error}");
    }
    let error = exchange(&mut device, &api, WAIT).await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
}

/// A store that fails while a request is on its way does not keep the next exchange from asking again.
#[tokio::test]
async fn a_store_that_failed_is_used_again() {
    let folder = Folder::new();
    let mut device = folder.device();
    let store = folder.store();
    let break_it = move || {
        store
            .execute("alter table parts rename to broken", [])
            .unwrap();
    };
    let script = Script::start(vec![
        Reply::new(200).json(&empty_page("c1")).after(break_it),
        Reply::new(200).json(&empty_page("c1")),
    ])
    .await;
    let api = script.signed_in(&folder.0, Patience::BRIEF);
    let error = exchange(&mut device, &api, WAIT).await.unwrap_err();
    assert!(matches!(error, Error::Store(_)), "{error}");
    let store = folder.store();
    let mend = "alter table broken rename to parts";
    store.execute(mend, []).unwrap();
    exchange(&mut device, &api, WAIT).await.unwrap();
    assert_eq!(script.asked().len(), 2);
}

/// While another process holds the store, a watcher shows what was saved before.
#[tokio::test]
async fn a_watcher_needs_no_lock() {
    let folder = Folder::new();
    let mut device = folder.device();
    let script = Script::start(vec![Reply::new(500).text("away")]).await;
    let api = script.signed_in(&folder.0, Patience::BRIEF);
    let (stop, held) = (Notify::new(), folder.store());
    let tell = |event: Event<'_>| match event {
        Event::Connected => {}
        Event::Interrupted { .. } => {
            folder.device().edit(create("Elsewhere"), None).unwrap();
            held.execute_batch("begin immediate").unwrap();
        }
        Event::Changed(device) => {
            if !device.take_news().is_empty() {
                held.execute_batch("rollback").unwrap();
                stop.notify_one();
            }
        }
    };
    let following = follow(&mut device, &api, stop.notified(), tell);
    timeout(WAIT, following).await.unwrap().unwrap();
    assert_eq!(titles(&device), ["Elsewhere"]);
}
