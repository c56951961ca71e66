//! Operators list, replay and discard dead letters.

use std::time::Duration;

use bridge::dead_letter::store::{Action, Filter, Store};
use bridge::dead_letter::{ERROR, GROUP, TOPIC};
use bridge::log::{Entry, FOR_GROUP, Headers};
use bridge::postgres;
use bytes::Bytes;
use domain::event::Event;
use uuid::Uuid;

use super::reader::Reader;
use crate::support::{LogFixture, LogKind, event};

pub async fn dead_letters_are_listed_replayed_and_discarded(kind: LogKind) {
    let fixture = LogFixture::new(kind).await;
    let user = Uuid::new_v4();
    for _ in 0..2 {
        let id = Uuid::now_v7();
        let headers = [
            (TOPIC, "task-events"),
            (GROUP, "readers"),
            (ERROR, "because"),
        ];
        let headers: Headers = headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let entry = Entry {
            user,
            event_id: id,
            event: Bytes::from(event(id, user, 0)),
            headers,
        };
        fixture.log.append("task-events.dlq", &entry).await.unwrap();
    }
    let client = postgres::connect(&fixture.settings.database_url, "test")
        .await
        .unwrap();
    let store = Store {
        log: fixture.log.clone(),
        client,
        actor: "ada".to_owned(),
    };
    let letters = store.list(&Filter::default()).await.unwrap();
    assert_eq!(letters.len(), 2);
    let one = &letters[0];
    assert_eq!(
        (one.topic.as_str(), one.group.as_str(), one.error.as_str()),
        ("task-events", "readers", "because")
    );
    assert_eq!((one.kind.as_str(), one.user), ("task.updated", user));
    assert_eq!(one.event()["seq"], 0);
    for other in [
        Filter {
            topic: Some("reminders".to_owned()),
            ..Filter::default()
        },
        Filter {
            group: Some("others".to_owned()),
            ..Filter::default()
        },
        Filter {
            kind: Some("task.created".to_owned()),
            ..Filter::default()
        },
        Filter {
            older_than: Some(Duration::from_secs(3600)),
            ..Filter::default()
        },
    ] {
        assert!(store.list(&other).await.unwrap().is_empty(), "{other:?}");
    }

    store.handle(one, Action::Replay).await.unwrap();
    store.handle(&letters[1], Action::Discard).await.unwrap();
    assert!(store.list(&Filter::default()).await.unwrap().is_empty());
    let handled = store
        .list(&Filter {
            handled: true,
            ..Filter::default()
        })
        .await
        .unwrap();
    let handled: Vec<_> = handled
        .iter()
        .map(|letter| letter.handled.as_deref().unwrap())
        .collect();
    assert_eq!(handled, ["replayed", "discarded"]);

    let mut reader = Reader::start(&fixture);
    let back = reader.read(1).await;
    assert_eq!(back[0].entry.event_id.to_string(), one.id);
    assert_eq!(
        back[0].entry.headers.get(FOR_GROUP).map(String::as_str),
        Some("readers")
    );
    reader.stop().await;

    let audited = fixture
        .admin
        .query(include_str!("../sql/outbox_events.sql"), &[])
        .await
        .unwrap();
    let types: Vec<String> = audited
        .iter()
        .map(|row| {
            assert_eq!(
                (row.get::<_, &str>(0), row.get::<_, Uuid>(1)),
                ("account-events", user)
            );
            let event: Event = serde_json::from_str(row.get(2)).unwrap();
            assert_eq!(event.data["actor"]["id"], "ada");
            event.kind
        })
        .collect();
    assert_eq!(types, ["dead-letter.replayed", "dead-letter.discarded"]);
}
