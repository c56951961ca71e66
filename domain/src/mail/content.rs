//! The texts of reminder mails.

use chrono_tz::Tz;

use crate::notice::{Notice, headline};

/// The number of tasks that a mail lists.
const MAX_TASKS: usize = 50;

/// A mail without its addresses. Equal notices make equal mails, so a provider can recognize a repeated one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// One line.
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Content {
    /// Writes the mail of one reminder, or of several that were deferred. `zone` is the account's; `unsubscribe` is a URL.
    #[must_use]
    pub fn of(notices: &[Notice], zone: Tz, unsubscribe: &str) -> Self {
        let subject = match notices {
            [one] => format!("Reminder: {}", one.headline()),
            many => format!("{} reminders: {}", many.len(), headline(many)),
        };
        let (mut text, mut items) = (String::new(), String::new());
        for notice in notices.iter().take(MAX_TASKS) {
            let title = notice.headline();
            text.push_str(&title);
            text.push('\n');
            let mut item = format!("<strong dir=\"auto\">{}</strong>", escaped(&title));
            for line in [notice.due(zone), notice.lateness(zone)]
                .into_iter()
                .flatten()
            {
                text.push_str(&line);
                text.push('\n');
                item.push_str("<br>\n");
                item.push_str(&escaped(&line));
            }
            text.push('\n');
            items.push_str(&format!("<p>{item}</p>\n"));
        }
        let more = notices.len().saturating_sub(MAX_TASKS);
        if more > 0 {
            text.push_str(&format!("… and {more} more\n\n"));
            items.push_str(&format!("<p>… and {more} more</p>\n"));
        }
        text.push_str(&format!(
            "-- \nYou get this mail because you have chosen reminders by email.\nStop these mails: {unsubscribe}\n"
        ));
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{}</title></head>\n<body>\n{items}<hr>\n<p><small>You get this mail because you have chosen reminders by email. <a href=\"{}\">Stop these mails</a></small></p>\n</body>\n</html>\n",
            escaped(&subject),
            escaped(unsubscribe)
        );
        Self {
            subject,
            text,
            html,
        }
    }
}

/// A text as HTML shows it, in an element or a quoted attribute.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::due::Due;

    const URL: &str = "https://tasks.example/stop?token=a&b=\"c\"";

    fn notice(title: &str) -> Notice {
        Notice {
            task: Uuid::from_u128(7),
            title: title.to_owned(),
            due: Some(Due::Date("2026-03-01".parse().unwrap())),
            at: "2026-03-01T08:00:00Z".parse().unwrap(),
            late: false,
        }
    }

    #[test]
    fn a_reminder_names_its_task_and_how_to_stop() {
        let mail = Content::of(&[notice("Pay the rent")], Tz::UTC, "https://a.example/stop");
        assert_eq!(mail.subject, "Reminder: Pay the rent");
        assert_eq!(
            mail.text,
            "Pay the rent\nDue Sunday, 1 March 2026\n\n-- \nYou get this mail because you have chosen reminders by email.\nStop these mails: https://a.example/stop\n"
        );
        assert!(mail.html.contains(
            "<p><strong dir=\"auto\">Pay the rent</strong><br>\nDue Sunday, 1 March 2026</p>"
        ));
        assert!(mail.html.contains("<a href=\"https://a.example/stop\">"));
    }

    #[test]
    fn nothing_in_a_title_is_html_or_a_line() {
        let title = "</strong><script>alert('1' & \"2\")</script>\r\nBcc: x@y.z";
        let mail = Content::of(&[notice(title)], Tz::UTC, URL);
        let shown = "&lt;/strong&gt;&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)&lt;/script&gt; Bcc: x@y.z";
        assert!(
            mail.html.contains(&format!(">{shown}</strong>")),
            "{}",
            mail.html
        );
        assert!(
            mail.html
                .contains(&format!("<title>Reminder: {shown}</title>"))
        );
        assert!(
            mail.html
                .contains("href=\"https://tasks.example/stop?token=a&amp;b=&quot;c&quot;\"")
        );
        assert!(!mail.html.contains("<script"));
        assert!(!mail.subject.contains(['\r', '\n']));
    }

    #[test]
    fn a_digest_lists_its_tasks() {
        let mut notices: Vec<_> = (1..=52).map(|n| notice(&format!("Task {n}"))).collect();
        notices[1].late = true;
        let mail = Content::of(&notices, Tz::Europe__Berlin, URL);
        assert_eq!(
            mail.subject,
            "52 reminders: Task 1, Task 2, Task 3 and 49 more"
        );
        for part in [&mail.text, &mail.html] {
            assert!(part.contains("Task 50") && !part.contains("Task 51"));
            assert!(part.contains("… and 2 more"));
            assert!(part.contains("It was for Sunday, 1 March 2026 at 09:00 (Europe/Berlin)."));
        }
        assert_eq!(mail, Content::of(&notices, Tz::Europe__Berlin, URL));
    }
}
