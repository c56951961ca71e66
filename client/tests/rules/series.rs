//! Operations on series and reminders.

use serde_json::{Value, json};

use super::{Phone, TASK, page, task};

const REMINDER: &str = "00000000-0000-0000-0000-0000000000bb";

/// The only task, which repeats and has a reminder.
fn repeating(seq: u64, version: u64) -> Value {
    let mut task = task(seq, version, "a");
    task["due"] = json!({"date": "2026-03-01"});
    task["recurrence"] = json!({"rule": "FREQ=DAILY", "paused_at": null});
    task["reminders"] = json!([{"id": REMINDER, "on": "due"}]);
    task
}

fn phone() -> Phone {
    let mut phone = Phone::new();
    let mut page = page(2, "c2", json!([repeating(2, 2)]));
    page["reminders"] = json!([{"id": REMINDER, "seq": 2, "task_id": TASK, "state": "fired", "fires_at": null, "snoozed_until": null}]);
    phone.call(json!("refresh"));
    phone.answer(json!({ "page": page }));
    phone
}

fn reminder(phone: &mut Phone) -> Value {
    phone.call(json!("lists"))["reminders"][0].take()
}

fn only_pending(phone: &mut Phone) -> Value {
    let mut pending = phone.call(json!("pending"));
    assert_eq!(pending.as_array().unwrap().len(), 1, "{pending}");
    pending[0].take()
}

#[test]
fn a_reminder_shows_what_was_done_to_it_until_the_server_tells() {
    let mut phone = phone();
    let until = "2026-03-02T09:00:00Z";
    let changes = phone.edit(json!({"snooze": {"reminder_id": REMINDER, "until": until}}));
    assert_eq!(changes["reminders"], json!([REMINDER]));
    assert_eq!(reminder(&mut phone)["snoozed_until"], until);
    let (number, operations) = phone.sent();
    assert_eq!(operations[0]["op"], "snooze");
    assert_eq!(operations[0]["reminder_id"], REMINDER);
    assert_eq!(operations[0]["fields"], json!({"until": until}));
    phone.results(&number, &operations[0], "applied", repeating(2, 2));
    // The answer does not have the reminder. Others may have changed it since, so it shows what the server last said.
    assert_eq!(reminder(&mut phone)["state"], "fired");
    let mut news = page(3, "c3", json!([]));
    news["reminders"] = json!([{"id": REMINDER, "seq": 3, "task_id": TASK, "state": "cancelled"}]);
    phone.answer(json!({ "page": news }));
    assert_eq!(reminder(&mut phone)["state"], "cancelled");
    // What is rejected is not shown any more.
    phone.edit(json!({"ack": {"reminder_id": REMINDER}}));
    assert_eq!(reminder(&mut phone)["state"], "acknowledged");
    let (number, operations) = phone.sent();
    phone.results(&number, &operations[0], "rejected", Value::Null);
    assert_eq!(reminder(&mut phone)["state"], "cancelled");
}

#[test]
fn a_series_is_paused_and_resumed() {
    let mut phone = phone();
    let paused_at = |phone: &mut Phone| {
        phone.call(json!({"task": {"id": TASK}}))["recurrence"]["paused_at"].take()
    };
    phone.edit(json!("pause"));
    assert_eq!(paused_at(&mut phone), "2026-03-01T09:00:00Z");
    phone.edit(json!("pause"));
    assert_eq!(only_pending(&mut phone)["change"], "pause");
    phone.undo();
    assert_eq!(phone.call(json!("pending")), json!([]));
    assert_eq!(paused_at(&mut phone), Value::Null);
    let mut plain = Phone::new();
    let edit =
        json!({"op_id": TASK, "task_id": TASK, "change": "pause", "at": "2026-03-01T09:00:00Z"});
    assert_eq!(
        plain.raw(json!({ "edit": edit }))["error"],
        "the task does not repeat"
    );
}

#[test]
fn a_recurrence_is_sent_with_its_due_date() {
    let mut phone = phone();
    let due = json!({"date": "2026-03-01"});
    phone.edit(json!({"update": {"recurrence": {"rule": "FREQ=WEEKLY"}}}));
    let (number, operations) = phone.sent();
    assert_eq!(operations[0]["fields"]["due"], due);
    let mut weekly = repeating(3, 3);
    weekly["recurrence"] = json!({"rule": "FREQ=WEEKLY"});
    phone.results(&number, &operations[0], "applied", weekly);
    phone.answer(json!({"page": page(3, "c3", json!([]))}));
    phone.undo();
    let fields = &phone.sent().1[0]["fields"];
    assert_eq!(fields["recurrence"]["rule"], "FREQ=DAILY");
    assert_eq!(fields["due"], due);
}

#[test]
fn a_scope_is_sent_and_kept_apart() {
    let mut phone = phone();
    let edit = |op: u32, change: Value, scope: Value| {
        let op_id = format!("00000000-0000-0000-0002-{op:012}");
        json!({"edit": {"op_id": op_id, "task_id": TASK, "change": change, "at": "2026-03-01T09:00:00Z", "scope": scope}})
    };
    let title = |title: &str| json!({"update": {"title": title}});
    phone.call(edit(1, title("b"), json!("this")));
    phone.call(edit(2, title("c"), Value::Null));
    assert_eq!(phone.call(json!("pending")).as_array().unwrap().len(), 2);
    assert_eq!(phone.sent().1[0]["scope"], "this");
    let due = json!({"update": {"due": {"date": "2026-03-02"}}});
    let refused = phone.raw(edit(3, due, json!("future")));
    assert!(
        refused["error"].as_str().unwrap().contains("recurrence"),
        "{refused}"
    );
    phone.undo();
    phone.undo();
    assert_eq!(phone.title(), "a");
}

/// Its result is `applied` whatever others have changed meanwhile.
#[test]
fn an_answer_to_a_reminder_says_nothing_of_others() {
    let mut phone = phone();
    phone.edit(json!({"ack": {"reminder_id": REMINDER}}));
    let (number, operations) = phone.sent();
    phone.edit(json!({"update": {"title": "mine"}}));
    let mut theirs = repeating(3, 3);
    theirs["title"] = json!("theirs");
    phone.results(&number, &operations[0], "applied", theirs);
    let (_, operations) = phone.sent();
    assert_eq!(operations[0]["base_version"], 2);
}
