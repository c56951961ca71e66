//! Operations are parsed, and faults name their members.

use super::*;

const ID: &str = "01890000-0000-7000-8000-000000000000";

fn one(members: &str) -> Parsed {
    let body = format!(r#"{{"operations":[{{"op_id":"1","task_id":"{ID}",{members}}}]}}"#);
    let push = Push::parse(Json::parse(body.as_bytes()).unwrap()).unwrap();
    push.operations.into_iter().next().unwrap()
}

fn faults(members: &str) -> Vec<String> {
    let faults = one(members).operation.unwrap_err();
    faults.into_iter().map(|fault| fault.pointer).collect()
}

#[test]
fn each_op_is_parsed() {
    for (op, change) in [
        ("complete", Change::Complete),
        ("reopen", Change::Reopen),
        ("skip", Change::Skip),
        ("delete", Change::Delete),
        ("restore", Change::Restore),
        ("pause", Change::Pause),
        ("resume", Change::Resume),
    ] {
        let parsed = one(&format!(
            r#""op":"{op}","base_version":3,"occurred_at":"2026-03-01T08:00:00Z""#
        ));
        assert_eq!(parsed.op_id.as_deref(), Some("1"));
        let operation = parsed.operation.unwrap();
        assert_eq!(operation.change, change);
        assert_eq!(operation.base_version, Some(3));
        assert_eq!(operation.task.to_string(), ID);
        assert!(operation.occurred_at.is_some());
    }
    let created = one(r#""op":"create","fields":{"title":"t"}"#);
    let Change::Create(task) = created.operation.unwrap().change else {
        panic!("no create");
    };
    assert_eq!(task.id.unwrap().to_string(), ID);
    let update = one(r#""op":"update","fields":{"title":"t"},"scope":"all""#);
    assert_eq!(update.operation.unwrap().scope, Some(Scope::All));
    let reminders = one(r#""op":"reminders","fields":{"reminders":[]}"#);
    assert!(matches!(
        reminders.operation.unwrap().change,
        Change::Update(_)
    ));
}

#[test]
fn a_reminder_is_snoozed_or_acknowledged() {
    let reminder = Uuid::parse_str(ID).unwrap();
    let member = format!(r#""reminder_id":"{ID}""#);
    let snooze = one(&format!(
        r#""op":"snooze",{member},"fields":{{"for":"PT10M"}}"#
    ));
    let until = "PT10M".to_owned();
    assert_eq!(
        snooze.operation.unwrap().change,
        Change::Snooze { reminder, until }
    );
    let ack = one(&format!(r#""op":"ack",{member}"#));
    assert_eq!(
        ack.operation.unwrap().change,
        Change::Acknowledge { reminder }
    );
    assert_eq!(faults(r#""op":"ack""#), ["/operations/0/reminder_id"]);
    assert_eq!(
        faults(&format!(
            r#""op":"snooze",{member},"fields":{{"for":"PT0S"}}"#
        )),
        ["/operations/0/fields/for"]
    );
    assert_eq!(
        faults(&format!(r#""op":"pause",{member}"#)),
        ["/operations/0/reminder_id"]
    );
}

#[test]
fn a_series_moves_with_its_recurrence() {
    let due = r#""due":{"date":"2026-03-02"}"#;
    assert_eq!(
        faults(&format!(
            r#""op":"update","scope":"future","fields":{{{due}}}"#
        )),
        ["/operations/0/fields/recurrence"]
    );
    let moved = one(&format!(
        r#""op":"update","scope":"future","fields":{{{due},"recurrence":{{"rule":"FREQ=DAILY"}}}}"#
    ));
    assert_eq!(moved.operation.unwrap().scope, Some(Scope::Future));
}

#[test]
fn faults_name_the_member() {
    let at = |name: &str| vec![format!("/operations/0/{name}")];
    assert_eq!(faults(r#""op":"finish""#), at("op"));
    assert_eq!(faults(r#""op":"update""#), at("fields"));
    assert_eq!(
        faults(r#""op":"update","fields":{"title":""}"#),
        at("fields/title")
    );
    assert_eq!(
        faults(r#""op":"reminders","fields":{"title":"t"}"#),
        at("fields")
    );
    assert_eq!(
        faults(r#""op":"create","fields":{"title":"t"},"base_version":1"#),
        at("base_version")
    );
    assert_eq!(
        faults(
            r#""op":"create","fields":{"title":"t","id":"01890000-0000-7000-8000-000000000001"}"#
        ),
        at("fields/id")
    );
    assert_eq!(
        faults(r#""op":"complete","occurred_at":"yesterday""#),
        at("occurred_at")
    );
    assert_eq!(faults(r#""op":"complete","scope":"all""#), at("scope"));
    assert_eq!(
        faults(r#""op":"update","fields":{"recurrence":{"rule":"FREQ=DAILY"}}"#),
        at("fields/due")
    );
    assert_eq!(
        faults(r#""op":"update","fields":{"recurrence":null},"scope":"this""#),
        at("scope")
    );
}
