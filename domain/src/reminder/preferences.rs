//! What a user wants of reminders: when, where, and when not.

use chrono::NaiveTime;
use serde_json::json;

use super::quiet::{print_time, time_of_day};
use super::{Channel, Quiet, Reminders, channels, list, names, sorted};
use crate::json::{Fault, Json, Reader, nullable};
use crate::merge_patch::merge;

/// The preferences of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// The time of day at which a task that is due on a date counts as due. Default: 09:00.
    pub time: NaiveTime,
    /// The channels of reminders that name none. Default: `in_app`.
    pub channels: Vec<Channel>,
    /// The reminders of a new task that has a due date and sends none. Default: none.
    pub defaults: Reminders,
    /// The channels on which nothing is sent, whatever a reminder says: `email`, `push`, both or none, in this order. The link in a mail
    /// that ends such mails adds to it. Default: none.
    pub muted: Vec<Channel>,
    /// Default: none.
    pub quiet: Option<Quiet>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            time: NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default(),
            channels: vec![Channel::InApp],
            defaults: Reminders::default(),
            muted: Vec::new(),
            quiet: None,
        }
    }
}

impl Preferences {
    /// Parses all preferences. Members that are absent or null have their defaults.
    ///
    /// # Errors
    /// All faults, with pointers below `pointer`.
    pub fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(pointer, value)?;
        let time = reader.optional("time", nullable(time_of_day)).flatten();
        let channels = reader.optional("channels", nullable(channels)).flatten();
        let defaults = reader
            .optional("defaults", nullable(Reminders::parse_defaults))
            .flatten();
        let muted = reader.optional("muted", nullable(muted)).flatten();
        let quiet = reader.optional("quiet", nullable(Quiet::parse)).flatten();
        reader.finish()?;
        let default = Self::default();
        Ok(Self {
            time: time.unwrap_or(default.time),
            channels: channels.unwrap_or(default.channels),
            defaults: defaults.unwrap_or(default.defaults),
            muted: muted.unwrap_or(default.muted),
            quiet,
        })
    }

    /// Applies a merge patch (RFC 7396). Null sets a member to its default, and a patch of null sets all of them.
    ///
    /// # Errors
    /// All faults of the result, with pointers below `pointer`.
    pub fn patched(&self, pointer: &str, patch: Json) -> Result<Self, Vec<Fault>> {
        if patch == Json::Null {
            return Ok(Self::default());
        }
        let Ok(current) = Json::parse(self.to_json().as_bytes()) else {
            return Self::parse(pointer, patch);
        };
        Self::parse(pointer, merge(current, patch))
    }

    /// The same preferences, with nothing sent through a channel.
    #[must_use]
    pub fn muting(mut self, channel: Channel) -> Self {
        self.muted.push(channel);
        self.muted.sort_by_key(|channel| *channel as u8);
        self.muted.dedup();
        self
    }

    /// The JSON that is stored and sent to clients. Equal preferences have equal texts.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut defaults = self.defaults.to_json();
        for item in defaults.as_array_mut().into_iter().flatten() {
            if let Some(members) = item.as_object_mut() {
                members.remove("id");
                members.remove("at");
            }
        }
        json!({
            "time": print_time(self.time),
            "channels": names(&self.channels),
            "defaults": defaults,
            "muted": names(&self.muted),
            "quiet": self.quiet.map(Quiet::to_json),
        })
        .to_string()
    }
}

/// Parses the channels that can be muted. The inbox cannot: it disturbs nobody, and shows what was not sent.
fn muted(pointer: &str, value: Json) -> Result<Vec<Channel>, Vec<Fault>> {
    let channel = |at: &str, value| match Channel::parse(at, value) {
        Ok(channel @ (Channel::Email | Channel::Push)) => Ok(channel),
        Ok(Channel::InApp) | Err(_) => Err(vec![Fault::new(at, "must be one of email, push")]),
    };
    sorted(pointer, list(pointer, value, 2, "channels", channel)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    fn parse(text: &str) -> Preferences {
        Preferences::parse("/reminders", json(text)).unwrap()
    }

    const FULL: &str = r#"{"time":"08:30","channels":["push","email"],"defaults":[{"before":"P1D"},{"on":"due","repeat":"PT5M","channels":["push"]}],
        "muted":["push","email"],"quiet":{"from":"22:00","to":"07:00","mode":"drop"}}"#;

    #[test]
    fn what_is_printed_can_be_read() {
        for text in ["{}", FULL] {
            let preferences = parse(text);
            assert_eq!(parse(&preferences.to_json()), preferences);
        }
        assert_eq!(parse("{}"), Preferences::default());
        let nulls = r#"{"time":null,"channels":null,"defaults":null,"muted":null,"quiet":null}"#;
        assert_eq!(parse(nulls), Preferences::default());
        let full = parse(FULL);
        assert_eq!(full.channels, [Channel::Email, Channel::Push]);
        assert_eq!(full.muted, [Channel::Email, Channel::Push]);
        assert_eq!(full.defaults.as_slice().len(), 2);
    }

    /// The function `user_json` prints this text for accounts that have never set preferences.
    #[test]
    fn the_defaults_have_a_fixed_text() {
        assert_eq!(
            Preferences::default().to_json(),
            r#"{"channels":["in_app"],"defaults":[],"muted":[],"quiet":null,"time":"09:00"}"#
        );
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let full = parse(FULL);
        let patched = |patch: &str| full.patched("/reminders", json(patch));
        assert_eq!(patched("{}").unwrap(), full);
        assert_eq!(patched("null").unwrap(), Preferences::default());
        let later = patched(r#"{"time":"10:00","quiet":{"to":"08:00"}}"#).unwrap();
        assert_eq!(later.channels, full.channels);
        assert_eq!(later.muted, full.muted);
        assert_eq!(patched(r#"{"muted":[]}"#).unwrap().muted, []);
        assert_eq!(
            patched(r#"{"muted":["push"]}"#).unwrap().muted,
            [Channel::Push]
        );
        let printed: serde_json::Value = serde_json::from_str(&later.to_json()).unwrap();
        assert_eq!(printed["time"], "10:00");
        assert_eq!(
            printed["quiet"],
            json!({"from": "22:00", "to": "08:00", "mode": "drop"})
        );
        let less = patched(r#"{"time":null,"defaults":null,"quiet":{"mode":null}}"#).unwrap();
        assert_eq!(less.time, Preferences::default().time);
        assert_eq!(less.defaults, Reminders::default());
        assert_eq!(less.quiet.unwrap().mode(), super::super::QuietMode::Defer);
        assert_eq!(patched(r#"{"quiet":null}"#).unwrap().quiet, None);
    }

    #[test]
    fn faults_name_the_member() {
        for (patch, pointer) in [
            ("[]", ""),
            ("7", ""),
            (r#"{"time":"9"}"#, "/time"),
            (r#"{"channels":[]}"#, "/channels"),
            (r#"{"channels":["sms"]}"#, "/channels/0"),
            (r#"{"muted":"email"}"#, "/muted"),
            (r#"{"muted":["email","in_app"]}"#, "/muted/1"),
            (r#"{"muted":["sms"]}"#, "/muted/0"),
            (r#"{"muted":["push","push"]}"#, "/muted"),
            (r#"{"muted":["email","push","email"]}"#, "/muted"),
            (
                r#"{"defaults":[{"at":"2026-03-01T08:00:00Z"}]}"#,
                "/defaults/0/at",
            ),
            (
                r#"{"defaults":[{"on":"due","id":"01890000-0000-7000-8000-000000000000"}]}"#,
                "/defaults/0/id",
            ),
            (r#"{"defaults":[{}]}"#, "/defaults/0"),
            (r#"{"defaults":{}}"#, "/defaults"),
            (r#"{"quiet":{"from":null}}"#, "/quiet/from"),
            (r#"{"quiet":{"to":"22:00"}}"#, "/quiet/to"),
            (r#"{"quiet":true}"#, "/quiet"),
            (r#"{"digest":true}"#, "/digest"),
        ] {
            let faults = parse(FULL).patched("/reminders", json(patch)).unwrap_err();
            assert_eq!(faults[0].pointer, format!("/reminders{pointer}"), "{patch}");
        }
    }
}
