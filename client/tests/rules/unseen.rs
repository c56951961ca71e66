//! What others have changed and the person has not seen is not overwritten without a trace.

use serde_json::json;

use super::{Phone, TASK, changed, task};

#[test]
fn what_a_merge_has_brought_counts_as_unseen() {
    let mut phone = Phone::new();
    let described = |version: u64, description: &str| {
        let mut task = task(version, version, "a");
        task["description"] = json!(description);
        task
    };
    phone.hear(changed(described(2, "one\ntwo")));
    phone.edit(json!({"update": {"description": "one\nmine"}}));
    let (number, first) = phone.sent();
    assert_eq!(first[0]["base_version"], 2);
    phone.edit(json!({"update": {"description": "one\nmine, too"}}));
    // Others have changed the first line meanwhile.
    phone.results(&number, &first[0], "merged", described(4, "theirs\nmine"));
    let (_, second) = phone.sent();
    assert_eq!(
        (
            &second[0]["base_version"],
            &second[0]["fields"]["description"]
        ),
        (&json!(2), &json!("one\nmine, too")),
        "the server merges it with what others have written, too"
    );

    // To take it back would take back what others have written.
    let mut phone = Phone::new();
    phone.hear(changed(described(2, "one\ntwo")));
    phone.edit(json!({"update": {"description": "one\nmine"}}));
    let (number, first) = phone.sent();
    phone.results(&number, &first[0], "merged", described(4, "theirs\nmine"));
    let undo = json!({"undo": {"op_id": TASK, "at": "2026-03-01T09:00:00Z"}});
    let refused = phone.raw(undo)["error"].take();
    assert_eq!(refused, "there is nothing to undo, or it was changed since");
}

#[test]
fn a_skip_hides_no_completion_of_others() {
    let with_status = |version: u64, status: &str| {
        let mut task = task(version, version, "a");
        task["status"] = json!(status);
        task
    };
    // They have completed it before the skip is sent, or while it is on its way.
    for heard_before in [true, false] {
        let mut phone = Phone::new();
        phone.edit(json!("skip"));
        let mut sent = None;
        if !heard_before {
            sent = Some(phone.sent());
        }
        phone.hear(changed(with_status(2, "completed")));
        phone.edit(json!("reopen"));
        let (number, skip) = sent.unwrap_or_else(|| phone.sent());
        phone.results(&number, &skip[0], "merged", with_status(2, "completed"));
        let (_, reopen) = phone.sent();
        assert_eq!(
            (&reopen[0]["op"], &reopen[0]["base_version"]),
            (&json!("reopen"), &json!(1)),
            "the completion gets into the conflict log"
        );
    }
}
