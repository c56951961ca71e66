//! Providers that send mail over an HTTP API.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Content, Mailbox};
use crate::delivery::Outgoing;

/// The API of a provider. Resend sends mails, and Mailpit keeps and shows them, which is for development.
#[derive(Clone, Copy)]
enum Provider {
    Resend,
    Mailpit,
}

/// How mails are sent.
#[derive(Clone)]
pub struct Mailer {
    provider: Provider,
    url: String,
    key: String,
    from: Mailbox,
}

/// One mail to one user.
pub struct Mail<'a> {
    pub to: &'a Mailbox,
    pub content: &'a Content,
    /// The URL that ends these mails.
    pub unsubscribe: &'a str,
    /// The same for each attempt to send this mail, and for no other: at most 256 ASCII characters. Resend sends a mail once for a
    /// key, if the attempts lie within a day and are equal.
    pub idempotency_key: &'a str,
}

impl Mailer {
    /// Parses the settings: the name of the provider; the URL of its API, such as `https://api.resend.com`; its key, which is
    /// `<user>:<password>` for Mailpit, or empty; and the sender, such as `Spindle <tasks@example.org>`.
    ///
    /// # Errors
    /// The name of the wrong setting, and what is wrong with it. Neither contains the key.
    pub fn parse(
        provider: &str,
        url: &str,
        key: &str,
        from: &str,
    ) -> Result<Self, (&'static str, String)> {
        let wrong = |name, reason: &str| Err((name, reason.to_owned()));
        let provider = match provider.trim() {
            "resend" => Provider::Resend,
            "mailpit" => Provider::Mailpit,
            _ => return wrong("mail_provider", "must be resend or mailpit"),
        };
        let url = url.trim().trim_end_matches('/');
        let is_url = ["https://", "http://"].iter().any(|scheme| {
            url.strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic()))
        });
        if !is_url {
            return wrong("mail_url", "must begin with https:// or http://");
        }
        let key = key.trim();
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("mail_key", "must have ASCII characters without spaces");
        }
        match provider {
            Provider::Resend if key.is_empty() => {
                return wrong("mail_key", "must not be empty for Resend");
            }
            Provider::Mailpit if !key.is_empty() && !key.contains(':') => {
                return wrong(
                    "mail_key",
                    "must be <user>:<password>, or empty, for Mailpit",
                );
            }
            Provider::Resend | Provider::Mailpit => {}
        }
        let from = match Mailbox::parse(from) {
            Ok(from) => from,
            Err(reason) => return wrong("mail_from", reason),
        };
        Ok(Self {
            provider,
            url: url.to_owned(),
            key: key.to_owned(),
            from,
        })
    }

    /// The request that sends a mail.
    #[must_use]
    pub fn request(&self, mail: &Mail) -> Outgoing {
        let (path, body, authorization) = match self.provider {
            Provider::Resend => (
                "/emails",
                self.resend(mail),
                Some(format!("Bearer {}", self.key)),
            ),
            Provider::Mailpit => (
                "/api/v1/send",
                self.mailpit(mail),
                (!self.key.is_empty()).then(|| format!("Basic {}", STANDARD.encode(&self.key))),
            ),
        };
        let mut headers = vec![
            ("Content-Type", "application/json".to_owned()),
            // Resend refuses requests without it.
            ("User-Agent", "spindle".to_owned()),
            ("Idempotency-Key", mail.idempotency_key.to_owned()),
        ];
        headers.extend(authorization.map(|value| ("Authorization", value)));
        Outgoing {
            url: format!("{}{path}", self.url),
            headers,
            body: body.to_string().into_bytes(),
        }
    }

    fn resend(&self, mail: &Mail) -> Value {
        json!({
            "from": self.from.to_header(),
            "to": [mail.to.address],
            "subject": mail.content.subject,
            "text": mail.content.text,
            "html": mail.content.html,
            "headers": headers(mail),
        })
    }

    fn mailpit(&self, mail: &Mail) -> Value {
        json!({
            "From": { "Email": self.from.address, "Name": self.from.name },
            "To": [{ "Email": mail.to.address, "Name": mail.to.name }],
            "Subject": mail.content.subject,
            "Text": mail.content.text,
            "HTML": mail.content.html,
            "Headers": headers(mail),
        })
    }
}

/// The headers of the mail itself.
fn headers(mail: &Mail) -> Value {
    json!({
        // RFC 8058, section 3.1. Mail programs show a button that posts to the URL.
        "List-Unsubscribe": format!("<{}>", mail.unsubscribe),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        // RFC 3834, section 5. Nobody's vacation replies to it.
        "Auto-Submitted": "auto-generated",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(mailer: &Mailer) -> (Outgoing, Value) {
        let content = Content {
            subject: "Reminder: é".to_owned(),
            text: "é\n".to_owned(),
            html: "<p>é</p>".to_owned(),
        };
        let mail = Mail {
            to: &Mailbox::parse("ada@example.org").unwrap(),
            content: &content,
            unsubscribe: "https://tasks.example/stop?token=x",
            idempotency_key: "delivery-7",
        };
        let request = mailer.request(&mail);
        let body = serde_json::from_slice(&request.body).unwrap();
        (request, body)
    }

    fn header<'a>(request: &'a Outgoing, name: &str) -> Option<&'a str> {
        let mut found = request.headers.iter().filter(|(header, _)| *header == name);
        found.next().map(|(_, value)| value.as_str())
    }

    fn mail_headers() -> Value {
        json!({
            "List-Unsubscribe": "<https://tasks.example/stop?token=x>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
        })
    }

    #[test]
    fn resend_gets_its_shape() {
        let from = "Spindle <tasks@example.org>";
        let mailer = Mailer::parse("resend", "https://api.resend.com/", " re_1 ", from).unwrap();
        let (request, body) = request(&mailer);
        assert_eq!(request.url, "https://api.resend.com/emails");
        assert_eq!(header(&request, "Authorization"), Some("Bearer re_1"));
        assert_eq!(header(&request, "Idempotency-Key"), Some("delivery-7"));
        assert_eq!(header(&request, "Content-Type"), Some("application/json"));
        assert!(header(&request, "User-Agent").is_some());
        assert_eq!(
            body,
            json!({
                "from": "Spindle <tasks@example.org>",
                "to": ["ada@example.org"],
                "subject": "Reminder: é",
                "text": "é\n",
                "html": "<p>é</p>",
                "headers": mail_headers(),
            })
        );
    }

    #[test]
    fn mailpit_gets_its_shape() {
        let url = "http://127.0.0.1:8025";
        let mailer = Mailer::parse("mailpit", url, "", "tasks@example.org").unwrap();
        let (request, body) = self::request(&mailer);
        assert_eq!(request.url, "http://127.0.0.1:8025/api/v1/send");
        assert_eq!(header(&request, "Authorization"), None);
        assert_eq!(header(&request, "Idempotency-Key"), Some("delivery-7"));
        assert_eq!(
            body,
            json!({
                "From": { "Email": "tasks@example.org", "Name": "" },
                "To": [{ "Email": "ada@example.org", "Name": "" }],
                "Subject": "Reminder: é",
                "Text": "é\n",
                "HTML": "<p>é</p>",
                "Headers": mail_headers(),
            })
        );
        let mailer = Mailer::parse("mailpit", url, "user:pass", "tasks@example.org").unwrap();
        let (request, _) = self::request(&mailer);
        assert_eq!(
            header(&request, "Authorization"),
            Some("Basic dXNlcjpwYXNz")
        );
    }

    #[test]
    fn wrong_settings_are_refused_without_showing_the_key() {
        let (url, key, from) = ("https://api.resend.com", "re_1", "a@b.de");
        for (provider, url, key, from, name, detail) in [
            ("smtp", url, key, from, "mail_provider", "resend or mailpit"),
            (
                "resend",
                "api.resend.com",
                key,
                from,
                "mail_url",
                "https://",
            ),
            ("resend", "https://", key, from, "mail_url", "https://"),
            ("resend", "https://a b", key, from, "mail_url", "https://"),
            ("resend", url, "", from, "mail_key", "for Resend"),
            ("resend", url, "re\n1", from, "mail_key", "ASCII"),
            (
                "mailpit",
                url,
                "user",
                from,
                "mail_key",
                "<user>:<password>",
            ),
            ("resend", url, key, "b.de", "mail_from", "email address"),
        ] {
            let (wrong, reason) = Mailer::parse(provider, url, key, from).err().unwrap();
            assert_eq!(wrong, name, "{reason}");
            assert!(reason.contains(detail), "{reason}");
            assert!(!reason.contains("re\n1"), "{reason}");
        }
    }
}
