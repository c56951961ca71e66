//! What a notification says about a task, in an email or a push message.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde_json::json;
use uuid::Uuid;

use crate::due::Due;

/// The longest title in a notification, in characters. Titles of tasks may be longer.
const MAX_TITLE: usize = 200;

/// The number of titles in a headline of several tasks.
const HEADLINE_TITLES: usize = 3;

/// A reminder that has fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub task: Uuid,
    pub title: String,
    pub due: Option<Due>,
    /// When the reminder was to fire.
    pub at: DateTime<Utc>,
    /// Whether it fired much later than that.
    pub late: bool,
}

impl Notice {
    /// The title of the task in one line.
    #[must_use]
    pub fn headline(&self) -> String {
        shortened(&line(&self.title), MAX_TITLE)
    }

    /// When the task is due, for a user in `zone`: `Due Sunday, 1 March 2026 at 09:00 (Europe/Berlin)`.
    #[must_use]
    pub fn due(&self, zone: Tz) -> Option<String> {
        let due = match self.due? {
            Due::Date(date) => day(date),
            Due::Local { datetime, timezone } => time(datetime.date(), datetime.time(), timezone),
            Due::Instant(instant) => instant_in(instant.to_utc(), zone),
        };
        Some(format!("Due {due}"))
    }

    /// When a late reminder was to come.
    #[must_use]
    pub fn lateness(&self, zone: Tz) -> Option<String> {
        self.late.then(|| {
            format!(
                "This reminder is late. It was for {}.",
                instant_in(self.at, zone)
            )
        })
    }
}

/// The titles of some tasks in one line: `Pay the rent`, or `Pay the rent, Call Ada and 3 more`.
#[must_use]
pub fn headline(notices: &[Notice]) -> String {
    let short = MAX_TITLE / (HEADLINE_TITLES + 1);
    match notices {
        [] => String::new(),
        [one] => one.headline(),
        many => {
            let titles: Vec<String> = many
                .iter()
                .take(HEADLINE_TITLES)
                .map(|notice| shortened(&notice.headline(), short))
                .collect();
            match (many.len() - titles.len(), titles.split_last()) {
                (0, Some((last, others))) => format!("{} and {last}", others.join(", ")),
                (more, _) => format!("{} and {more} more", titles.join(", ")),
            }
        }
    }
}

/// The payload of a push message: `{"title","body","tasks"}`. It always fits into one, because it lists at most 20 tasks.
#[must_use]
pub fn push_payload(notices: &[Notice], zone: Tz) -> Vec<u8> {
    let (title, body) = match notices {
        [one] => {
            let lines: Vec<String> = [one.due(zone), one.lateness(zone)]
                .into_iter()
                .flatten()
                .collect();
            (one.headline(), lines.join("\n"))
        }
        many => (format!("{} reminders", many.len()), headline(many)),
    };
    let tasks: Vec<Uuid> = notices.iter().take(20).map(|notice| notice.task).collect();
    json!({ "title": title, "body": body, "tasks": tasks })
        .to_string()
        .into_bytes()
}

/// A text in one line. Controls and white space become spaces, and the controls that turn the direction of text around vanish: they
/// would also turn what follows the title.
fn line(text: &str) -> String {
    let is_turning = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let spaced: String = text
        .chars()
        .filter(|c| !is_turning(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first characters of a text.
fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(max.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

fn instant_in(instant: DateTime<Utc>, zone: Tz) -> String {
    let local = instant.with_timezone(&zone);
    time(local.date_naive(), local.time(), zone)
}

fn time(date: NaiveDate, time: NaiveTime, zone: Tz) -> String {
    format!(
        "{} at {} ({})",
        day(date),
        time.format("%H:%M"),
        zone.name()
    )
}

fn day(date: NaiveDate) -> String {
    date.format("%A, %-d %B %Y").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::json::Json;
    use crate::push::MAX_PAYLOAD;

    fn notice(title: &str, due: &str) -> Notice {
        Notice {
            task: Uuid::from_u128(7),
            title: title.to_owned(),
            due: (!due.is_empty())
                .then(|| Due::parse("", Json::parse(due.as_bytes()).unwrap()).unwrap()),
            at: "2026-03-01T07:30:00Z".parse().unwrap(),
            late: false,
        }
    }

    #[test]
    fn a_due_is_written_for_its_reader() {
        for (due, text) in [
            ("", None),
            (r#"{"date":"2026-03-01"}"#, Some("Due Sunday, 1 March 2026")),
            (
                r#"{"datetime":"2026-03-01T09:05:00","timezone":"Asia/Tokyo"}"#,
                Some("Due Sunday, 1 March 2026 at 09:05 (Asia/Tokyo)"),
            ),
            (
                r#"{"datetime":"2026-02-28T23:30:00Z"}"#,
                Some("Due Sunday, 1 March 2026 at 00:30 (Europe/Berlin)"),
            ),
        ] {
            let notice = notice("t", due);
            assert_eq!(notice.due(Tz::Europe__Berlin).as_deref(), text);
            assert_eq!(notice.lateness(Tz::Europe__Berlin), None);
        }
        let late = Notice {
            late: true,
            ..notice("t", "")
        };
        assert_eq!(
            late.lateness(Tz::Europe__Berlin).unwrap(),
            "This reminder is late. It was for Sunday, 1 March 2026 at 08:30 (Europe/Berlin)."
        );
    }

    #[test]
    fn a_headline_is_one_short_line() {
        for (title, expected) in [
            ("Pay the rent", "Pay the rent"),
            (" a\r\nBcc: b\t c\u{1}d ", "a Bcc: b c d"),
            ("a\u{202e}b\u{2066}c", "abc"),
            ("👩‍👩‍👧 call", "👩‍👩‍👧 call"),
        ] {
            assert_eq!(notice(title, "").headline(), expected);
        }
        assert_eq!(notice(&"é".repeat(200), "").headline(), "é".repeat(200));
        let long = notice(&"é".repeat(201), "").headline();
        assert_eq!(long, format!("{}…", "é".repeat(199)));
        let notices = ["a", "b", "c", "d", "e"].map(|title| notice(title, ""));
        for (count, expected) in [
            (0, ""),
            (1, "a"),
            (2, "a and b"),
            (3, "a, b and c"),
            (4, "a, b, c and 1 more"),
            (5, "a, b, c and 2 more"),
        ] {
            assert_eq!(headline(&notices[..count]), expected);
        }
    }

    #[test]
    fn a_payload_fits_into_a_push_message() {
        let payload = |notices: &[Notice]| -> Value {
            let bytes = push_payload(notices, Tz::UTC);
            assert!(bytes.len() <= MAX_PAYLOAD, "{}", bytes.len());
            serde_json::from_slice(&bytes).unwrap()
        };
        let one = notice("Pay", r#"{"date":"2026-03-01"}"#);
        assert_eq!(
            payload(std::slice::from_ref(&one)),
            json!({"title": "Pay", "body": "Due Sunday, 1 March 2026", "tasks": [one.task]})
        );
        assert_eq!(
            payload(&[one.clone(), one.clone()]),
            json!({"title": "2 reminders", "body": "Pay and Pay", "tasks": [one.task, one.task]})
        );
        // The characters that take most bytes in JSON.
        for longest in ["\"", "\u{10ffff}", "\u{7f}x"] {
            let zone = r#"{"datetime":"2026-03-01T09:05:00","timezone":"America/Argentina/ComodRivadavia"}"#;
            let long = Notice {
                late: true,
                ..notice(&longest.repeat(500), zone)
            };
            payload(std::slice::from_ref(&long));
            assert_eq!(
                payload(&vec![long; 100])["tasks"].as_array().unwrap().len(),
                20
            );
        }
    }
}
