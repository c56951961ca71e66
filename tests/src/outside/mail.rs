//! A mail provider with the API of Resend, which sends one mail for an idempotency key, and that of Mailpit, which knows no such keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use axum::http::request::Parts;
use serde_json::{Value, json};

use super::{Answer, Faults, header_of, serve};

/// The key that the provider accepts.
pub const KEY: &str = "re_test_4711";

pub struct MailProvider {
    url: String,
    pub faults: Faults,
    sent: Arc<Mutex<Sent>>,
}

#[derive(Default)]
struct Sent {
    mails: Vec<Value>,
    /// The place of each mail by its idempotency key.
    keys: HashMap<String, usize>,
    /// Why requests were refused.
    refused: Vec<String>,
}

impl MailProvider {
    /// # Errors
    /// It cannot listen.
    pub async fn start() -> Result<Self> {
        let (faults, sent) = (Faults::default(), Arc::<Mutex<Sent>>::default());
        let kept = sent.clone();
        let address = serve(faults.clone(), move |head, body| {
            let mut sent = kept.lock().unwrap_or_else(PoisonError::into_inner);
            sent.take(head, body).unwrap_or_else(|error| {
                sent.refused.push(format!("{error:#}"));
                Answer {
                    status: 422,
                    body: json!({"message": format!("{error:#}")}),
                }
            })
        })
        .await?;
        Ok(Self {
            url: format!("http://{address}"),
            faults,
            sent,
        })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The mails that went out, as the requests described them.
    ///
    /// # Errors
    /// The provider refused a request.
    pub fn mails(&self) -> Result<Vec<Value>> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(sent.refused.is_empty(), "refused: {:?}", sent.refused);
        Ok(sent.mails.clone())
    }
}

impl Sent {
    fn take(&mut self, head: &Parts, body: &[u8]) -> Result<Answer> {
        let mail: Value = serde_json::from_slice(body)?;
        let ok = |body| Ok(Answer { status: 200, body });
        if head.uri.path() == "/api/v1/send" {
            let has_all = ["From", "To", "Subject", "Text", "HTML", "Headers"]
                .iter()
                .all(|member| !mail[member].is_null());
            ensure!(has_all && mail["To"][0]["Email"].is_string(), "{mail}");
            self.mails.push(mail);
            return ok(json!({"ID": "x"}));
        }
        ensure!(head.uri.path() == "/emails", "{}", head.uri);
        ensure!(
            header_of(head, "authorization")? == format!("Bearer {KEY}"),
            "another key"
        );
        header_of(head, "user-agent")?;
        let key = header_of(head, "idempotency-key")?;
        let has_all = ["from", "to", "subject", "text", "html", "headers"]
            .iter()
            .all(|member| !mail[member].is_null());
        ensure!(has_all && mail["to"][0].is_string(), "{mail}");
        if let Some(place) = self.keys.get(&key) {
            return match self.mails.get(*place) == Some(&mail) {
                true => ok(json!({"id": place})),
                false => Ok(Answer {
                    status: 409,
                    body: json!({"name": "invalid_idempotent_request"}),
                }),
            };
        }
        self.keys.insert(key, self.mails.len());
        self.mails.push(mail);
        ok(json!({"id": self.mails.len() - 1}))
    }
}
