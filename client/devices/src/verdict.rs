//! The verdict on a world that has settled: all devices have the server's state, each edit was done once, and what was lost is in the
//! conflict log.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::edits::{Intent, same};
use crate::person::Person;
use crate::server::{Server, VALUES, Write};
use crate::state::State;

/// Judges one user's devices. `server` has what their operations have done, and `state` is what must have come of it.
pub fn judge(persons: &[&Person], server: &Server, state: &State) {
    for person in persons {
        assert_eq!(
            person.engine.pending(),
            [],
            "device {} has sent all",
            person.number
        );
        agrees(person, state);
        deletions(person, server);
        values(person, server);
    }
    tags(persons, server);
    scopes(persons, server);
}

/// Each update and deletion was for the occurrences that the person has chosen.
fn scopes(persons: &[&Person], server: &Server) {
    for person in persons {
        for (op_id, scope) in &person.scopes {
            let Some(sent) = server.scopes.get(&op_id.to_string()) else {
                continue;
            };
            assert_eq!(
                *sent,
                json!(scope),
                "operation {op_id} of device {} is for the occurrences that were chosen",
                person.number
            );
        }
    }
}

/// The device has what the server has, and nothing else.
pub fn agrees(person: &Person, state: &State) {
    let number = person.number;
    let store = person.engine.store();
    let shown = person.engine.tasks().filter(|task| task.is_alive());
    let shown: BTreeMap<Uuid, Value> = shown.map(|task| (task.id, json!(task))).collect();
    alike(number, "tasks", &shown, &state.tasks);
    for entry in store.entries().filter(|entry| !entry.task.is_alive()) {
        if let Some(version) = state.versions.get(&entry.task.id) {
            assert_eq!(
                entry.task.version, *version,
                "device {number} has the server's tombstones"
            );
        }
    }
    for (what, held, list) in [
        ("series", store.series(), &state.series),
        ("reminders", store.reminders(), &state.reminders),
        ("notifications", store.notifications(), &state.notifications),
    ] {
        let held = held.iter().map(|(id, item)| (*id, json!(item))).collect();
        alike(number, what, &held, list);
    }
    if !state.account.is_null() {
        assert_eq!(
            store.account(),
            Some(&state.account),
            "device {number} has the account"
        );
    }
}

/// Fails with the first item in which the device differs.
fn alike(
    number: usize,
    what: &str,
    held: &BTreeMap<Uuid, Value>,
    expected: &BTreeMap<Uuid, Value>,
) {
    let ids: BTreeSet<&Uuid> = held.keys().chain(expected.keys()).collect();
    for id in ids {
        assert_eq!(
            held.get(id),
            expected.get(id),
            "device {number} has the server's {what}"
        );
    }
}

/// A deletion takes along only what was seen, and what was seen does not prevent it.
fn deletions(device: &Person, server: &Server) {
    for (op_id, saw, had_pending) in &device.asked_to_delete {
        let op_id = op_id.to_string();
        let Some(deletion) = server
            .deletions
            .iter()
            .find(|deletion| deletion.op_id == op_id)
        else {
            continue;
        };
        let record = &deletion.before;
        // What was rejected was seen and is not there.
        let mut rejected = device.rejected.iter();
        if rejected.any(|remark| remark.operation.task_id == saw.id) {
            continue;
        }
        let unseen = VALUES
            .iter()
            .find(|name| !same(&record.task[**name], saw.field(name)));
        assert!(
            !deletion.done || unseen.is_none(),
            "a deletion took an unseen edit along: {unseen:?} of {record:?}",
            record = record.task
        );
        let mut later = record.authors.range(saw.version + 1..);
        let by_others = later.any(|(_, author)| *author != device.number);
        assert!(
            deletion.done || by_others || *had_pending,
            "a deletion gave way to nobody's edit: {:?}",
            record.task
        );
    }
}

/// Each value that the person has set has reached the server once, unless they have changed it again before. What it has replaced was
/// seen, or is in the conflict log.
fn values(device: &Person, server: &Server) {
    let mut intents: BTreeMap<(Uuid, &str), Vec<&Intent>> = BTreeMap::new();
    for intent in device
        .intents
        .iter()
        .filter(|intent| is_traceable(&intent.field))
    {
        intents
            .entry((intent.task, &intent.field))
            .or_default()
            .push(intent);
    }
    let mut writes: BTreeMap<(Uuid, &str), Vec<&Write>> = BTreeMap::new();
    for write in server
        .writes
        .iter()
        .filter(|write| write.device == device.number && is_traceable(&write.field))
    {
        writes
            .entry((write.task, &write.field))
            .or_default()
            .push(write);
    }
    let untraceable = server
        .writes
        .iter()
        .filter(|write| write.field == "priority");
    let mut unseen: BTreeSet<&String> = untraceable.map(|write| &write.op_id).collect();
    let mut spurious = Vec::new();
    for (key, writes) in &writes {
        let mut intents = intents
            .remove(key)
            .unwrap_or_default()
            .into_iter()
            .peekable();
        for write in writes {
            // What was seen before the value was set, and before values of the same person that were never sent.
            let (mut seen, mut own) = (&Value::Null, None);
            let last = loop {
                let intent = intents
                    .next()
                    .unwrap_or_else(|| panic!("nobody has written {write:?}"));
                if own.is_none_or(|own| !same(own, &intent.saw)) {
                    seen = &intent.saw;
                }
                own = Some(&intent.new);
                let op_id = intent.op_id.map(|id| id.to_string());
                if same(&intent.new, &write.wanted) && op_id.as_ref() == Some(&write.op_id) {
                    break intent;
                }
            };
            // A value that was rejected was seen, and others may have set the same.
            let mut rejected = device.rejected.iter();
            let was_seen = same(seen, &write.replaced)
                || same(&last.saw, &write.replaced)
                    && rejected.any(|remark| remark.operation.task_id == write.task);
            if same(&write.replaced, &write.value) {
                if !was_seen {
                    unseen.insert(&write.op_id);
                }
                continue;
            }
            assert!(
                was_seen || write.logged || write.merged,
                "device {} has overwritten what it had not seen, without a record: {write:?}",
                device.number
            );
            // Others may have changed it, and back again.
            let earlier = server
                .writes
                .iter()
                .take_while(|other| other.op_id != write.op_id);
            let earlier = earlier.filter(|other| (other.task, &*other.field) == *key);
            let mut earlier = earlier.collect::<Vec<_>>().into_iter().rev();
            let mut by_others = earlier
                .by_ref()
                .take_while(|other| other.device != write.device);
            let concurrent = by_others
                .any(|other| !same(seen, &other.value) || !same(&other.replaced, &other.value));
            if write.logged && was_seen && !concurrent {
                spurious.push(*write);
            } else if write.logged || write.merged {
                unseen.insert(&write.op_id);
            }
        }
        lost(device, key, &intents.collect::<Vec<_>>());
    }
    for (key, rest) in intents {
        lost(device, &key, &rest);
    }
    // An operation has one base. If that has to stay for one of its values, the others are compared with it, too. What was rejected was seen
    // and is not there, so the base of what follows stays.
    for write in spurious {
        let mut rejected = device.rejected.iter();
        assert!(
            unseen.contains(&write.op_id)
                || rejected.any(|remark| remark.operation.task_id == write.task),
            "device {} is in conflict with what it had seen: {write:?}",
            device.number
        );
    }
}

/// Whether a value tells which edit it comes from. There are few priorities, and tags have a check of their own.
fn is_traceable(field: &str) -> bool {
    VALUES.contains(&field) && field != "priority"
}

/// Fails if the last of a person's changes of a value has not reached the server, unless it led back to the value before, or was rejected.
fn lost(device: &Person, (task, _): &(Uuid, &str), rest: &[&Intent]) {
    let Some(last) = rest.last() else { return };
    let rejected = &device.rejected;
    let known = rejected
        .iter()
        .any(|remark| remark.operation.task_id == *task);
    let led_back = rest.iter().any(|intent| same(&intent.saw, &last.new));
    assert!(
        known || led_back,
        "device {} has lost {rest:?}",
        device.number
    );
}

/// A tag that was added is there, and one that was removed is not.
fn tags(devices: &[&Person], server: &Server) {
    let mut meant: BTreeMap<(Uuid, String), Vec<bool>> = BTreeMap::new();
    for intent in devices
        .iter()
        .flat_map(|device| &device.intents)
        .filter(|intent| intent.field == "tags")
    {
        let (saw, new) = (
            client::task::texts(&intent.saw),
            client::task::texts(&intent.new),
        );
        for tag in new.iter().filter(|tag| !saw.contains(tag)) {
            meant
                .entry((intent.task, tag.clone()))
                .or_default()
                .push(true);
        }
        for tag in saw.iter().filter(|tag| !new.contains(tag)) {
            meant
                .entry((intent.task, tag.clone()))
                .or_default()
                .push(false);
        }
    }
    let rejected: BTreeSet<Uuid> = devices
        .iter()
        .flat_map(|device| &device.rejected)
        .map(|remark| remark.operation.task_id)
        .collect();
    for ((task, tag), meant) in meant {
        let Some(record) = server
            .tasks
            .get(&task)
            .filter(|_| !rejected.contains(&task) && !server.remade.contains(&task))
        else {
            continue;
        };
        let has = record.task["tags"]
            .as_array()
            .unwrap()
            .contains(&json!(tag));
        let added = meant.iter().filter(|added| **added).count();
        // After an undo, the order in which the server got them decides.
        if added == meant.len() {
            assert!(has, "the tag {tag} of {task} is lost");
        } else if added == usize::from(!record.is_next()) {
            assert!(!has, "the tag {tag} of {task} is back");
        }
    }
}

/// The result of a check that fails by panicking.
///
/// # Errors
/// The message of the panic.
pub fn caught<T>(check: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(check)).map_err(|panic| message(&*panic))
}

/// The message of a panic.
pub fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "it panicked".to_owned())
}
