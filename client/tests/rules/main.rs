//! Single rules of the engine, over its JSON calls: what the simulation of devices meets too seldom, or does not look at.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod refused;
mod series;
mod unseen;

use client::calls::call;
use client::engine::Engine;
use serde_json::{Value, json};

const TASK: &str = "00000000-0000-0000-0000-0000000000aa";

/// A device, spoken to in JSON.
struct Phone(Engine, u32);

impl Phone {
    /// A device that has had its first sync: one task at number 1, cursor `c1`.
    fn new() -> Self {
        let mut phone = Self(Engine::new(), 0);
        phone.answer(json!({"page": page(1, "c1", json!([task(1, 1, "a")]))}));
        phone
    }

    fn raw(&mut self, what: Value) -> Value {
        serde_json::from_str(&call(&mut self.0, &what.to_string())).unwrap()
    }

    fn call(&mut self, what: Value) -> Value {
        let mut answer = self.raw(what);
        assert_eq!(answer.get("error"), None);
        answer["ok"].take()
    }

    fn edit(&mut self, change: Value) -> Value {
        self.1 += 1;
        let op_id = format!("00000000-0000-0000-0000-{:012}", self.1);
        let edit = json!({"op_id": op_id, "task_id": TASK, "change": change, "at": "2026-03-01T09:00:00Z"});
        self.call(json!({"edit": edit}))
    }

    /// Takes the last edit back.
    fn undo(&mut self) -> Value {
        self.call(json!({"undo": {"op_id": "00000000-0000-0000-0001-000000000000", "at": "2026-03-01T09:00:00Z"}}))
    }

    /// Asks for the next request and gives it this answer.
    fn answer(&mut self, answer: Value) -> Value {
        let request = self.call(json!("next"));
        self.call(json!({"answer": {"number": request["number"], "answer": answer}}))
    }

    /// The operations that are sent next. Their answer is still to come.
    fn sent(&mut self) -> (Value, Value) {
        let mut request = self.call(json!("next"));
        (
            request["number"].take(),
            request["call"]["push"]["operations"].take(),
        )
    }

    fn results(&mut self, number: &Value, operation: &Value, result: &str, task: Value) -> Value {
        let result = json!({"op_id": operation["op_id"], "result": result, "task": task, "problem": {"title": "no"}});
        let answer = json!({"results": {"results": [result], "cursor": "x"}});
        self.call(json!({"answer": {"number": number, "answer": answer}}))
    }

    fn hear(&mut self, message: Value) {
        self.call(json!({ "hear": message }));
    }

    fn title(&mut self) -> Value {
        self.call(json!({"task": {"id": TASK}}))["title"].take()
    }
}

fn task(seq: u64, version: u64, title: &str) -> Value {
    json!({"id": TASK, "seq": seq, "version": version, "title": title, "tags": [], "status": "open", "reminders": [],
        "series_id": null, "deleted_at": null})
}

fn page(seq: u64, cursor: &str, changes: Value) -> Value {
    json!({"changes": changes, "series": [], "reminders": [], "notifications": [], "account": null,
        "seq": seq, "cursor": cursor, "more": false})
}

fn changed(task: Value) -> Value {
    json!({"type": "changed", "seq": task["seq"], "task": task})
}

#[test]
fn an_edit_beneath_one_that_is_on_its_way_counts_as_unseen() {
    let mut phone = Phone::new();
    phone.edit(json!({"update": {"title": "b"}}));
    let (number, operations) = phone.sent();
    assert_eq!(operations[0]["base_version"], 1);
    // The server has done it, somebody else has changed the title after it, and both come live before the answer.
    phone.hear(changed(task(2, 2, "b")));
    phone.hear(changed(task(3, 3, "theirs")));
    assert_eq!(phone.title(), "b");
    phone.edit(json!({"update": {"title": "c"}}));
    phone.results(&number, &operations[0], "applied", task(2, 2, "b"));
    assert_eq!(phone.title(), "c");
    assert_eq!(phone.sent().1[0]["base_version"], 2);
}

#[test]
fn a_late_result_does_not_bring_a_deleted_task_back() {
    let mut phone = Phone::new();
    phone.edit(json!({"update": {"title": "b"}}));
    let (number, operations) = phone.sent();
    phone.hear(changed(task(2, 2, "b")));
    phone.hear(json!({"type": "gone", "seq": 3, "id": TASK, "version": 3, "deleted_at": "2026-03-01T10:00:00Z"}));
    phone.results(&number, &operations[0], "applied", task(2, 2, "b"));
    let task = phone.call(json!({"task": {"id": TASK}}));
    assert_eq!(task["deleted_at"], "2026-03-01T10:00:00Z");
    assert_eq!(task["title"], "b");
}

#[test]
fn a_gap_and_what_is_told_during_a_pull_lead_to_another_pull() {
    let mut phone = Phone::new();
    phone.hear(json!({"type": "hello", "seq": 1, "cursor": null}));
    phone.hear(json!({"type": "resync", "seq": 1}));
    phone.hear(json!({"type": "of a later version"}));
    assert_eq!(phone.call(json!("next")), Value::Null);
    phone.hear(changed(task(3, 3, "c")));
    assert_eq!(phone.title(), "a");
    let pull = phone.call(json!("next"));
    assert_eq!(pull["call"], json!({"pull": {"cursor": "c1"}}));
    phone.hear(json!({"type": "resync", "seq": 4}));
    let answer = json!({"page": page(3, "c3", json!([task(3, 3, "c")]))});
    phone.call(json!({"answer": {"number": pull["number"], "answer": answer}}));
    assert_eq!(phone.title(), "c");
    assert_eq!(
        phone.call(json!("next"))["call"],
        json!({"pull": {"cursor": "c3"}})
    );
}

#[test]
fn a_result_leads_to_a_pull_unless_it_comes_live() {
    for live in [false, true] {
        let mut phone = Phone::new();
        if live {
            phone.hear(json!({"type": "hello", "seq": 1, "cursor": null}));
        }
        phone.edit(json!("complete"));
        let (number, operations) = phone.sent();
        phone.results(&number, &operations[0], "applied", task(2, 2, "a"));
        assert_eq!(phone.call(json!("next")).is_null(), live);
        if live {
            phone.call(json!("unplugged"));
            assert!(!phone.call(json!("next")).is_null());
        }
    }
}

#[test]
fn a_lost_batch_is_sent_again_unchanged_also_by_the_next_process() {
    let mut phone = Phone::new();
    phone.edit(json!({"tags": {"add": ["home"]}}));
    let (number, operations) = phone.sent();
    phone.hear(changed({
        let mut task = task(2, 2, "a");
        task["tags"] = json!(["theirs"]);
        task
    }));
    phone.edit(json!({"update": {"title": "later"}}));
    phone.call(json!({"answer": {"number": number, "answer": "failed"}}));
    let saved = phone.call(json!("save"));
    let mut next = Phone(Engine::new(), 10);
    next.call(json!({ "load": saved }));
    assert_eq!(next.sent().1, operations);
    assert_eq!(operations.as_array().unwrap().len(), 1);
    assert_eq!(next.title(), "later");
}

#[test]
fn a_refused_cursor_begins_a_first_sync() {
    let mut phone = Phone::new();
    phone.call(json!("refresh"));
    phone.answer(json!("resync"));
    phone.edit(json!({"update": {"title": "mine"}}));
    let pull = phone.call(json!("next"));
    assert_eq!(pull["call"], json!({"pull": {"cursor": null}}));
    phone.hear(changed(task(2, 2, "live")));
    let other = "00000000-0000-0000-0000-0000000000bb";
    let mut first = page(
        1,
        "p2",
        json!([{"id": other, "seq": 1, "version": 1, "title": "other"}]),
    );
    first["more"] = json!(true);
    phone.call(json!({"answer": {"number": pull["number"], "answer": {"page": first}}}));
    assert_eq!(phone.call(json!({"task": {"id": other}})), Value::Null);
    assert_eq!(phone.title(), "mine");
    let pull = phone.call(json!("next"));
    assert_eq!(pull["call"], json!({"pull": {"cursor": "p2"}}));
    let answer = json!({"page": page(1, "c1", json!([task(1, 1, "a")]))});
    let changes = phone.call(json!({"answer": {"number": pull["number"], "answer": answer}}));
    assert_eq!(changes["tasks"], json!([TASK, other]));
    assert_eq!(phone.call(json!({"task": {"id": other}}))["title"], "other");
    // The edit has survived, and what came live meanwhile is pulled.
    let (number, operations) = phone.sent();
    assert_eq!(operations[0]["fields"], json!({"title": "mine"}));
    phone.results(&number, &operations[0], "rejected", Value::Null);
    assert_eq!(
        phone.call(json!("next"))["call"],
        json!({"pull": {"cursor": "c1"}})
    );
}

#[test]
fn a_rejected_operation_is_handed_back_and_leaves_the_view() {
    let mut phone = Phone::new();
    phone.edit(json!({"update": {"title": "mine"}}));
    let (number, operations) = phone.sent();
    let changes = phone.results(&number, &operations[0], "rejected", Value::Null);
    assert_eq!(changes["tasks"], json!([TASK]));
    let remark = &changes["remarks"][0];
    assert_eq!(
        remark["operation"]["change"],
        json!({"update": {"title": "mine"}})
    );
    assert_eq!(remark["problem"], json!({"title": "no"}));
    assert_eq!(phone.title(), "a");
}

#[test]
fn a_batch_has_at_most_100_operations_and_half_a_megabyte() {
    let mut phone = Phone::new();
    let create = |phone: &mut Phone, number: u64, title: &str| {
        let id = |kind: u32| format!("00000000-0000-0000-{kind:04}-{number:012}");
        let change = json!({"create": {"title": title}});
        phone.call(json!({"edit": {"op_id": id(1), "task_id": id(2), "change": change, "at": "2026-03-01T09:00:00Z"}}));
    };
    (0..150).for_each(|number| create(&mut phone, number, "short"));
    let (_, operations) = phone.sent();
    assert_eq!(operations.as_array().unwrap().len(), 100);
    assert_eq!(
        operations[0],
        json!({"op_id": "00000000-0000-0000-0001-000000000000", "op": "create", "occurred_at": "2026-03-01T09:00:00Z",
        "task_id": "00000000-0000-0000-0002-000000000000", "fields": {"title": "short"}})
    );

    let mut phone = Phone::new();
    (0..20).for_each(|number| create(&mut phone, number, &"x".repeat(80_000)));
    let operations = phone.sent().1.to_string();
    assert!(
        (400_000..600_000).contains(&operations.len()),
        "{} bytes",
        operations.len()
    );
}

#[test]
fn what_a_call_cannot_do_is_an_error() {
    let mut phone = Phone::new();
    let edit = |change: Value| json!({"edit": {"op_id": TASK, "task_id": TASK, "change": change, "at": "x"}});
    for (what, error) in [
        (json!("dance"), "unknown variant"),
        (edit(json!({"create": {}})), "there is a task with this id"),
        (edit(json!("restore")), "the task is not deleted"),
        (
            edit(json!({"update": {"tags": []}})),
            "an update cannot set tags",
        ),
        (
            json!({"undo": {"op_id": TASK, "at": "x"}}),
            "nothing to undo",
        ),
        (
            json!({"load": {"format": 2}}),
            "a newer version has saved it",
        ),
        (json!({"load": {"format": 1}}), "not a saved state"),
    ] {
        let answer = phone.raw(what.clone());
        assert!(
            answer["error"].as_str().unwrap().contains(error),
            "{what}: {answer}"
        );
    }
    let next = phone.call(json!("refresh"));
    assert_eq!(next, Value::Null);
    let number = phone.call(json!("next"))["number"].take();
    let wrong =
        phone.raw(json!({"answer": {"number": number, "answer": {"results": {"results": []}}}}));
    assert!(wrong["error"].as_str().unwrap().contains("does not belong"));
    assert_eq!(
        phone.call(json!("next"))["call"],
        json!({"pull": {"cursor": "c1"}})
    );
}

#[test]
fn old_tombstones_and_notifications_are_forgotten() {
    let mut phone = Phone::new();
    phone.call(json!("refresh"));
    let mut news = page(
        3,
        "c3",
        json!([{"id": TASK, "seq": 2, "version": 2, "deleted_at": "2026-03-01T10:00:00Z"}]),
    );
    news["notifications"] = json!([{"id": TASK, "seq": 3, "created_at": "2026-03-01T09:00:00Z"}]);
    phone.answer(json!({ "page": news }));
    let forget = |day: &str| json!({"forget": {"deleted_before": day, "notified_before": day}});
    assert_eq!(phone.call(forget("2026-03-01"))["tasks"], json!([]));
    let changes = phone.call(forget("2026-03-02"));
    assert_eq!(
        (&changes["tasks"], &changes["notifications"]),
        (&json!([TASK]), &json!([TASK]))
    );
    assert_eq!(phone.call(json!("tasks")), json!([]));
    assert_eq!(phone.call(json!("lists"))["notifications"], json!([]));
}

#[test]
fn a_confirmed_deletion_stays_although_its_answer_has_no_task() {
    let mut phone = Phone::new();
    phone.edit(json!("delete"));
    let (number, operations) = phone.sent();
    phone.results(&number, &operations[0], "applied", Value::Null);
    let task = phone.call(json!({"task": {"id": TASK}}));
    assert_eq!(task["deleted_at"], "2026-03-01T09:00:00Z");
    let gone = json!({"id": TASK, "seq": 2, "version": 2, "deleted_at": "2026-03-01T09:00:01Z"});
    phone.answer(json!({"page": page(2, "c2", json!([gone]))}));
    let task = phone.call(json!({"task": {"id": TASK}}));
    assert_eq!((&task["version"], &task["title"]), (&json!(2), &json!("a")));
}

#[test]
fn what_leads_back_before_it_is_sent_is_not_sent() {
    let mut phone = Phone::new();
    for change in [
        json!({"update": {"title": "b"}}),
        json!({"tags": {"add": ["home"]}}),
        json!("delete"),
    ] {
        phone.edit(change);
        assert_eq!(phone.call(json!("pending")).as_array().unwrap().len(), 1);
        phone.undo();
        assert_eq!(phone.call(json!("pending")), json!([]));
        assert_eq!(phone.title(), "a");
    }
}
