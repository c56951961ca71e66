//! Lists that patches must leave whole. A patch whose list Kustomize does not know how to merge replaces it, and says nothing.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::Value;

/// The lists whose items have a name.
const LISTS: [&str; 3] = [
    "/spec/variables",
    "/spec/template/spec/containers",
    "/spec/template/spec/containers/0/env",
];

/// Checks that all Deployments that take the settings of the bridge have the same secrets of Kafka beside them: each opens the log at its
/// start, and a login without its password ends it.
///
/// # Errors
/// One has another set.
pub fn check_logins(overlay: &[Value]) -> Result<()> {
    let is_bridge = |object: &&Value| {
        let source = "/spec/template/spec/containers/0/envFrom/0/configMapRef/name";
        object.pointer(source).and_then(Value::as_str) == Some("spindle-bridge")
    };
    let logins = overlay.iter().filter(is_bridge).map(|object| {
        let env = names(object, "/spec/template/spec/containers/0/env");
        let login = env.into_iter().filter(|name| name.starts_with("KAFKA_"));
        let files = names(object, "/spec/template/spec/volumes");
        login.chain(files).collect::<BTreeSet<_>>()
    });
    let different: BTreeSet<_> = logins.collect();
    ensure!(
        different.len() == 1,
        "Deployments with the settings of the bridge have different logins: {different:?}"
    );
    Ok(())
}

/// Checks that the objects of an overlay have all items of these lists that the same objects of the base have.
///
/// # Errors
/// An item is missing.
pub fn check(base: &[Value], overlay: &[Value]) -> Result<()> {
    for object in overlay {
        let Some(before) = base.iter().find(|before| is_same(before, object)) else {
            continue;
        };
        for list in LISTS {
            let (before, after) = (names(before, list), names(object, list));
            let lost: Vec<_> = before.difference(&after).collect();
            let name = object.pointer("/metadata/name");
            ensure!(lost.is_empty(), "{name:?} has lost {lost:?} of {list}");
        }
    }
    Ok(())
}

fn is_same(one: &Value, other: &Value) -> bool {
    ["/kind", "/metadata/name"]
        .iter()
        .all(|place| one.pointer(place) == other.pointer(place))
}

fn names<'a>(object: &'a Value, list: &str) -> BTreeSet<&'a str> {
    let items = object.pointer(list).and_then(Value::as_array);
    let names = items.into_iter().flatten();
    names
        .filter_map(|item| item.get("name")?.as_str())
        .collect()
}
