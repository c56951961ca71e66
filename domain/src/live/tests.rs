//! Tests of messages to clients.

use serde_json::{Value, json};

use super::*;

const USER: Uuid = Uuid::from_u128(0x0189_0a5d_ac96_7741_b2d0_8a1b_5e6f_0001);

fn raw(text: impl Into<String>) -> Box<RawValue> {
    RawValue::from_string(text.into()).unwrap()
}

fn event(kind: &str, seq: Value, data: Value) -> Box<RawValue> {
    raw(json!({"id": "e", "userid": USER, "data": data, "seq": seq, "type": kind}).to_string())
}

/// The message about an event, with its text parsed.
fn told(event: &RawValue) -> (i64, Value) {
    let message = message(event).unwrap().unwrap();
    assert_eq!(message.user, USER);
    (
        message.seq,
        serde_json::from_str(message.text.get()).unwrap(),
    )
}

fn task(deleted_at: Option<&str>) -> Value {
    json!({"id": Uuid::from_u128(2), "title": "Water\nthe plants", "version": 3, "deleted_at": deleted_at})
}

#[test]
fn a_changed_task_is_told_as_it_is() {
    let event = event(
        "task.changed",
        json!(7),
        json!({"task": task(None), "previous": {}, "actor": {}}),
    );
    assert_eq!(
        told(&event),
        (7, json!({"type": "changed", "seq": 7, "task": task(None)}))
    );
}

#[test]
fn the_golden_events_are_told() {
    let golden = raw(include_str!("../../tests/wire/task.changed.v1.json").trim());
    let (seq, text) = told(&golden);
    assert_eq!((seq, text["type"].as_str()), (2, Some("changed")));
    assert_eq!(text["task"]["title"], "Water the plants");
    let golden = raw(include_str!("../../tests/wire/user.changed.v1.json").trim());
    let (seq, text) = told(&golden);
    assert_eq!((seq, text["type"].as_str()), (3, Some("changed")));
    assert_eq!(text["reminders"][0]["state"], "fired");
    assert_eq!(text["notifications"][0]["title"], "Water the plants");
}

#[test]
fn a_deleted_task_is_told_by_its_id() {
    let at = "2026-03-01T09:00:00.000001Z";
    let event = event(
        "task.changed",
        json!(8),
        json!({"task": task(Some(at)), "previous": {}}),
    );
    let expected =
        json!({"type": "gone", "seq": 8, "id": Uuid::from_u128(2), "version": 3, "deleted_at": at});
    assert_eq!(told(&event), (8, expected));
}

#[test]
fn other_changes_of_a_user_are_told() {
    let none =
        json!({"series": [], "reminders": [], "notifications": [], "account": null, "actor": {}});
    let with = |member: &str, value: Value| {
        let mut data = none.clone();
        data[member] = value;
        told(&event(EventType::UserChanged.name(), json!(9), data)).1
    };
    let item = json!([{"id": "x"}]);
    assert_eq!(
        with("notifications", item.clone()),
        json!({"type": "notification", "seq": 9, "notifications": item})
    );
    assert_eq!(
        with("series", item.clone()),
        json!({"type": "changed", "seq": 9, "series": item, "reminders": [], "account": null})
    );
    assert_eq!(
        with("account", json!({"name": "Ada"})),
        json!({"type": "changed", "seq": 9, "series": [], "reminders": [], "account": {"name": "Ada"}})
    );
    let fetch = with("fetch", json!(true));
    assert_eq!(fetch, json!({"type": "resync", "seq": 9}));
    // Each number is told once, so one message has all that the change consists of.
    let mut data = none.clone();
    data["reminders"] = item.clone();
    data["notifications"] = item.clone();
    assert_eq!(
        told(&event(EventType::UserChanged.name(), json!(9), data)).1,
        json!({"type": "changed", "seq": 9, "series": [], "reminders": item, "notifications": item, "account": null})
    );
}

#[test]
fn a_client_compares_if_the_change_is_too_much_for_a_message() {
    let data =
        json!({"series": [], "reminders": [], "notifications": [], "account": null, "fetch": true});
    let message = message(&event(EventType::UserChanged.name(), json!(9), data));
    let text = message.unwrap().unwrap().text;
    assert!(is_resync(text.get()), "{text}");
    assert_eq!(text.get(), resync(9));
    let changed = event("task.changed", json!(9), json!({"task": task(None)}));
    let changed = super::message(&changed).unwrap().unwrap().text;
    assert!(!is_resync(changed.get()), "{changed}");
}

#[test]
fn events_of_other_types_are_not_told() {
    for kind in ["task.created", "user.login", "task.invented"] {
        let event = event(kind, json!(null), json!({}));
        assert!(message(&event).unwrap().is_none(), "{kind}");
    }
}

#[test]
fn an_event_without_the_members_of_its_type_is_refused() {
    let data = json!({"task": task(None)});
    for bad in [
        raw("7"),
        raw("{}"),
        event("task.changed", json!(null), data.clone()),
        event("task.changed", json!(0), data.clone()),
        event("task.changed", json!("7"), data),
        event("task.changed", json!(7), json!({"task": {"id": "x"}})),
        event("task.changed", json!(7), json!(null)),
        event(
            EventType::UserChanged.name(),
            json!(7),
            json!({"series": []}),
        ),
    ] {
        assert!(message(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_text_has_one_line() {
    let pretty = format!(
        "{{\r\n \"type\": \"task.changed\",\n \"userid\": \"{USER}\", \"seq\": 1,\n \"data\": {{\"task\":\n{}}}\n}}",
        serde_json::to_string_pretty(&task(None)).unwrap()
    );
    let message = message(&raw(pretty)).unwrap().unwrap();
    assert!(!message.text.get().contains(['\n', '\r']));
    let text: Value = serde_json::from_str(message.text.get()).unwrap();
    assert_eq!(text["task"], task(None));
}

#[test]
fn a_batch_is_the_same_after_its_way_through_a_channel() {
    let event = event("task.changed", json!(7), json!({"task": task(None)}));
    let batch = Batch {
        messages: vec![message(&event).unwrap().unwrap()],
    };
    let text = serde_json::to_string(&batch).unwrap();
    let read: Batch = serde_json::from_str(&text).unwrap();
    assert_eq!(read.messages.len(), 1);
    let (sent, got) = (&batch.messages[0], &read.messages[0]);
    assert_eq!(
        (sent.user, sent.seq, sent.text.get()),
        (got.user, got.seq, got.text.get())
    );
}

#[test]
fn users_are_spread_over_all_shards_and_stay_where_they_are() {
    assert_eq!(channel("spindle", shard(USER)), "spindle.live.27");
    let mut users = [0_u32; SHARDS as usize];
    for number in 0..6_400_u128 {
        // As ids that are made within a second: they differ in a few bits only.
        let user = Uuid::from_u128(0x0189_0a5d_ac96_7741_b2d0_8a1b_0000_0000 + number * 7);
        users[usize::from(shard(user))] += 1;
    }
    assert!(
        users.iter().all(|count| (50..=150).contains(count)),
        "{users:?}"
    );
}

#[test]
fn an_event_that_is_refused_is_named() {
    let event = event("task.changed", json!(null), json!({}));
    assert_eq!(event_id(&event).as_deref(), Some("e"));
    assert_eq!(event_id(&raw("7")), None);
}
