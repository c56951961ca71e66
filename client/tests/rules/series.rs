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

fn edit(op: u32, change: Value, scope: Value) -> Value {
    let op_id = format!("00000000-0000-0000-0002-{op:012}");
    json!({"edit": {"op_id": op_id, "task_id": TASK, "change": change, "at": "2026-03-01T09:00:00Z", "scope": scope}})
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

#[test]
fn what_the_server_would_reject_of_a_recurrence_is_refused() {
    let mut phone = phone();
    for (change, scope, why) in [
        (json!({"due": null}), Value::Null, "needs a due date"),
        (
            json!({"recurrence": {"rule": "FREQ=WEEKLY"}}),
            json!("this"),
            "of all occurrences",
        ),
        (
            json!({"recurrence": null}),
            json!("this"),
            "of all occurrences",
        ),
    ] {
        let edit = edit(1, json!({ "update": change }), scope);
        let refused = phone.raw(edit)["error"].take();
        assert!(refused.as_str().unwrap().contains(why), "{refused}");
    }
    let mut plain = Phone::new();
    let repeat = json!({"update": {"recurrence": {"rule": "FREQ=WEEKLY"}}});
    let refused = plain.raw(edit(1, repeat, Value::Null))["error"].take();
    assert_eq!(refused, "a task that repeats needs a due date");
}

#[test]
fn what_takes_an_edit_of_a_series_back_has_a_scope_only_where_the_server_takes_one() {
    let mut phone = phone();
    phone.call(edit(1, json!("delete"), json!("all")));
    let (number, deletion) = phone.sent();
    assert_eq!(deletion[0]["scope"], "all");
    phone.results(&number, &deletion[0], "applied", Value::Null);
    phone.answer(json!({"page": page(2, "c2", json!([]))}));
    phone.undo();
    let (_, restoration) = phone.sent();
    assert_eq!(restoration[0]["op"], "restore");
    assert_eq!(restoration[0].get("scope"), None);

    // A rule that was set and taken back was never sent, nor is its due date.
    let mut phone = self::phone();
    let repeat = json!({"update": {"recurrence": {"rule": "FREQ=WEEKLY"}}});
    phone.call(edit(1, repeat.clone(), json!("future")));
    phone.undo();
    assert_eq!(phone.call(json!("pending")), json!([]));

    // Others have set another rule since. The due date was set with the one that is gone.
    let mut due = repeat;
    due["update"]["due"] = json!({"date": "2026-03-05"});
    phone.call(edit(2, due, json!("future")));
    let (number, operations) = phone.sent();
    let with = |version: u64, rule: &str| {
        let mut task = repeating(version, version);
        task["due"] = json!({"date": "2026-03-05"});
        task["recurrence"] = json!({ "rule": rule });
        task
    };
    phone.results(&number, &operations[0], "applied", with(3, "FREQ=WEEKLY"));
    let theirs = page(4, "c4", json!([with(4, "FREQ=YEARLY")]));
    phone.answer(json!({ "page": theirs }));
    let undo = json!({"undo": {"op_id": REMINDER, "at": "2026-03-01T09:00:00Z"}});
    let refused = phone.raw(undo)["error"].take();
    assert_eq!(refused, "there is nothing to undo, or it was changed since");
}

#[test]
fn a_deletion_of_a_whole_series_is_sent_also_after_a_restoration() {
    let mut phone = phone();
    let gone = json!({"id": TASK, "seq": 3, "version": 3, "deleted_at": "2026-03-01T09:00:00Z"});
    phone.call(json!("refresh"));
    phone.answer(json!({"page": page(3, "c3", json!([gone]))}));
    phone.edit(json!("restore"));
    phone.call(edit(1, json!("delete"), json!("all")));
    let pending = phone.call(json!("pending"));
    assert_eq!(
        (&pending[0]["change"], &pending[1]["scope"]),
        (&json!("restore"), &json!("all"))
    );
}

/// The server pauses the series at a time of its own. That is no change of the rule.
#[test]
fn a_pause_between_two_rules_is_no_change_by_others() {
    let mut phone = phone();
    phone.edit(json!("pause"));
    phone.edit(json!({"update": {"recurrence": {"rule": "FREQ=WEEKLY"}}}));
    let (number, pause) = phone.sent();
    let mut paused = repeating(3, 3);
    paused["recurrence"]["paused_at"] = json!("2026-03-01T09:00:07Z");
    phone.results(&number, &pause[0], "applied", paused);
    let (_, rule) = phone.sent();
    assert_eq!(
        (&rule[0]["op"], &rule[0]["base_version"]),
        (&json!("update"), &json!(3))
    );
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
