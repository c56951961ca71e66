//! The JSON of a recurrence as it is stored: how it is printed, and how a merge patch changes it.

use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

use super::shorthand::{NAMES, Shorthand};
use super::{READ_ONLY, Recurrence, parse};
use crate::due::Due;
use crate::json::{Fault, Json, Reader};
use crate::task::READ_ONLY_CHANGED;

/// The members in the order in which they are stored.
#[derive(Serialize)]
struct Definition<'r> {
    rule: &'r str,
    every: Value,
    unit: Value,
    on: Value,
    at: Value,
    until: Value,
    count: Value,
    description: String,
    mode: &'static str,
    skip: &'static str,
    create: &'static str,
    overlap: &'static str,
    missed: &'static str,
    exdates: Vec<String>,
    rdates: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<&'static str>,
}

impl Recurrence {
    /// The JSON object for a series that starts at `due`, from `rule` to `rdates`, and `timezone` if it is known: that of a local due
    /// date, or the one that the client has chosen for an instant. Equal recurrences have equal texts.
    pub fn definition(&self, due: &Due) -> String {
        self.definition_in(match due {
            Due::Date(_) => None,
            Due::Local { timezone, .. } => Some(*timezone),
            Due::Instant(_) => self.timezone,
        })
    }

    /// As [`Recurrence::definition`], with the timezone that is known, if one is.
    pub(super) fn definition_in(&self, timezone: Option<Tz>) -> String {
        let [every, unit, on, at, until, count] = Shorthand::of(&self.rule).values();
        let definition = Definition {
            rule: self.rule(),
            every,
            unit,
            on,
            at,
            until,
            count,
            description: self.description(),
            mode: self.mode.as_str(),
            skip: self.skip.as_str(),
            create: self.create.as_str(),
            overlap: self.overlap.as_str(),
            missed: self.missed.as_str(),
            exdates: self.exdates.iter().map(ToString::to_string).collect(),
            rdates: self.rdates.iter().map(ToString::to_string).collect(),
            timezone: timezone.map(|timezone| timezone.name()),
        };
        // Strings, numbers and lists of them can always be written.
        serde_json::to_string(&definition).unwrap_or_default()
    }

    /// Applies a merge patch (RFC 7396) to a stored recurrence, or to none. A patch with `rule` replaces the short form. A patch with
    /// members of the short form replaces the rule; `until` and `count` alone change the rule, whatever else it says.
    ///
    /// # Errors
    /// All faults of the patch and of the result, with pointers below `pointer`.
    pub fn merge(pointer: &str, current: Option<&str>, patch: Json) -> Result<Self, Vec<Fault>> {
        let current = current.and_then(|text| Json::parse(text.as_bytes()).ok());
        let (Some(Json::Object(mut members)), Json::Object(changes)) = (current, &patch) else {
            return Self::parse(pointer, patch);
        };
        let value = |name: &str| members.iter().find(|(member, _)| member == name);
        let changed = |(name, new): &&(String, Json)| {
            value(name).map_or(*new != Json::Null, |(_, old)| old != new)
        };
        let read_only = changes
            .iter()
            .filter(|(name, _)| READ_ONLY.contains(&name.as_str()));
        let faults: Vec<Fault> = read_only
            .filter(changed)
            .map(|(name, _)| Fault::new(format!("{pointer}/{name}"), READ_ONLY_CHANGED))
            .collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        // A timezone that the client does not change may be that of the due date or of the account.
        let sets_timezone = changes
            .iter()
            .filter(|(name, _)| name == "timezone")
            .any(|change| changed(&change));
        let sets = |names: &[&str]| {
            let mut changes = changes.iter();
            changes.any(|(name, new)| names.contains(&name.as_str()) && *new != Json::Null)
        };
        let (sets_rule, has_unit) = (
            sets(&["rule"]),
            value("unit").is_some_and(|(_, unit)| *unit != Json::Null),
        );
        let touches_short = changes
            .iter()
            .any(|(name, _)| NAMES.contains(&name.as_str()));
        let only_end = !sets(&["every", "unit", "on", "at"]);
        if sets_rule {
            members.retain(|(name, _)| !NAMES.contains(&name.as_str()));
        } else if touches_short && only_end && !has_unit {
            return with_end(pointer, members, changes);
        } else if touches_short {
            members.retain(|(name, _)| name != "rule");
        }
        if sets_timezone {
            members.retain(|(name, _)| name != "start");
        }
        overwrite(&mut members, changes, |name| !READ_ONLY.contains(&name));
        Self::parse(pointer, Json::Object(members))
    }
}

/// Replaces and removes members.
fn overwrite(
    members: &mut Vec<(String, Json)>,
    changes: &[(String, Json)],
    wanted: impl Fn(&str) -> bool,
) {
    for (name, value) in changes.iter().filter(|(name, _)| wanted(name)) {
        members.retain(|(member, _)| member != name);
        if *value != Json::Null {
            members.push((name.clone(), value.clone()));
        }
    }
}

/// Changes the end of a stored rule that the short form cannot express.
fn with_end(
    pointer: &str,
    mut members: Vec<(String, Json)>,
    changes: &[(String, Json)],
) -> Result<Recurrence, Vec<Fault>> {
    let stored = members.iter().find(|(name, _)| name == "rule");
    let stored = match stored {
        Some((_, Json::Text(written))) => parse::rule(written).ok(),
        _ => None,
    };
    if let Some(mut rule) = stored {
        let is_end = |name: &str| name == "until" || name == "count";
        let mut end = Vec::new();
        overwrite(&mut end, changes, is_end);
        let mut reader = Reader::new(pointer, Json::Object(end))?;
        let end = Shorthand::take(&mut reader);
        reader.finish()?;
        let changes_member = |member: &str| changes.iter().any(|(name, _)| name == member);
        end.change_end(&mut rule, changes_member("until"), changes_member("count"));
        let text = Json::Text(rule.to_string());
        overwrite(&mut members, &[("rule".to_owned(), text)], |_| true);
    }
    let is_other = |name: &str| !NAMES.contains(&name) && !READ_ONLY.contains(&name);
    overwrite(&mut members, changes, is_other);
    Recurrence::parse(pointer, Json::Object(members))
}
