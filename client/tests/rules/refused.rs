//! A batch that the server refuses as a whole: the operation that is to blame is found, the others are sent. Two processes of one device.

use std::collections::BTreeSet;

use client::answer::{Answer, Call, Outcome, Page, Results, Verdict};
use client::engine::{Edit, Engine};
use client::operation::Change;
use client::saved::LoadError;
use client::task::member;
use serde_json::{Value, json};
use uuid::Uuid;

/// A device after its first sync, with this many new tasks that the server does not know.
fn device(tasks: u128) -> Engine {
    let mut engine = Engine::new();
    let first = engine.next_request().unwrap();
    engine
        .answer(first.number, Answer::Page(page("c1")))
        .unwrap();
    (1..=tasks).for_each(|task| create(&mut engine, task));
    engine
}

fn create(engine: &mut Engine, task: u128) {
    let edit = Edit {
        op_id: Uuid::from_u128(task),
        task_id: Uuid::from_u128(task + 1000),
        change: Change::Create(member("title", format!("Task {task}"))),
        at: "2026-03-01T09:00:00Z".to_owned(),
        scope: None,
    };
    engine.edit(edit).unwrap();
}

fn page(cursor: &str) -> Page {
    Page {
        changes: Vec::new(),
        series: Vec::new(),
        reminders: Vec::new(),
        notifications: Vec::new(),
        account: None,
        seq: 0,
        cursor: cursor.to_owned(),
        more: false,
    }
}

fn applied(op_id: Uuid) -> Outcome {
    Outcome {
        op_id,
        result: Verdict::Applied,
        task: None,
        restored: false,
        conflicts: Vec::new(),
        problem: None,
    }
}

#[test]
fn one_bad_operation_is_rejected_and_all_others_are_sent() {
    for bad in [1, 42, 150] {
        let mut device = device(150);
        let problem = json!({"type": "urn:spindle:problems/malformed", "title": "no"});
        let (mut sent, mut rejected) = (BTreeSet::new(), Vec::new());
        let mut refusals = 0;
        while !device.pending().is_empty() {
            let request = device.next_request().unwrap();
            let Call::Push { operations } = request.call else {
                panic!("a pull although operations wait");
            };
            let ids: Vec<Uuid> = operations.iter().map(|operation| operation.op_id).collect();
            let answer = if ids.contains(&Uuid::from_u128(bad)) {
                refusals += 1;
                assert!(refusals < 40, "the same batch comes again and again");
                Answer::Refused(problem.clone())
            } else {
                sent.extend(ids.clone());
                Answer::Results(Results {
                    results: ids.into_iter().map(applied).collect(),
                })
            };
            // The process ends between any two steps, and the next one goes on with what was saved.
            let changes = device.answer(request.number, answer).unwrap();
            rejected.extend(changes.remarks);
            device = Engine::load(&device.save().unwrap()).unwrap();
        }
        assert_eq!(sent.len(), 149);
        let [only] = rejected.as_slice() else {
            panic!("rejected: {rejected:?}");
        };
        assert_eq!(only.operation.op_id, Uuid::from_u128(bad));
        assert_eq!(
            (only.result, &only.problem),
            (Verdict::Rejected, &Some(problem))
        );
        assert_eq!(device.task(only.operation.task_id), None);
    }
}

#[test]
fn an_edit_of_another_process_is_taken_over_during_a_request() {
    let mut sender = device(1);
    let request = sender.next_request().unwrap();
    let (told, done) = (sender.save_told().unwrap(), sender.save_done().unwrap());
    // The other process queues one more, and saves the small part alone.
    let mut other = Engine::load_parts(Some(&told), Some(&done)).unwrap();
    create(&mut other, 2);
    let changes = sender
        .reload(None, Some(&other.save_done().unwrap()))
        .unwrap();
    assert_eq!(changes.tasks, BTreeSet::from([Uuid::from_u128(1002)]));
    let results = vec![applied(Uuid::from_u128(1))];
    sender
        .answer(request.number, Answer::Results(Results { results }))
        .unwrap();
    let pending: Vec<Uuid> = sender
        .pending()
        .iter()
        .map(|operation| operation.op_id)
        .collect();
    assert_eq!(pending, [Uuid::from_u128(2)]);
    // What was on its way is sent again by a process that begins, as it was.
    let again = Engine::load_parts(Some(&told), Some(&done))
        .unwrap()
        .next_request()
        .unwrap();
    assert_eq!(again.call, request.call);
}

#[test]
fn parts_of_a_newer_version_are_not_read() {
    let newer = json!({"format": 2, "part": Value::Null}).to_string();
    let error = Engine::load_parts(Some(&newer), None).unwrap_err();
    assert!(matches!(error, LoadError::Format(2)), "{error}");
    let error = device(0).reload(None, Some("{}")).unwrap_err();
    assert!(matches!(error, LoadError::Json(_)), "{error}");
}
