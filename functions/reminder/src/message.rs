//! A message to one user through one channel, as `claim_deliveries` returns it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::due::Due;
use domain::json::Json;
use domain::notice::Notice;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// A message: one reminder, or all those that quiet hours have deferred.
#[derive(Deserialize)]
pub struct Message {
    pub user_id: Uuid,
    pub email: String,
    timezone: String,
    /// The number of attempts with this one.
    pub attempts: u32,
    pub subscriptions: Vec<StoredSubscription>,
    /// At least one.
    pub deliveries: Vec<Delivery>,
}

/// A browser's subscription, as the database has it.
#[derive(Deserialize)]
pub struct StoredSubscription {
    pub id: Uuid,
    pub endpoint: String,
    pub p256dh: String,
    pub auth: String,
}

/// A reminder that has fired.
#[derive(Deserialize)]
pub struct Delivery {
    pub id: Uuid,
    task_id: Uuid,
    title: String,
    due: Box<RawValue>,
    fire_at: DateTime<Utc>,
    late: bool,
}

impl Message {
    /// Parses what a claim has returned.
    ///
    /// # Errors
    /// It has another form.
    pub fn parse_all(claimed: &str) -> Result<Vec<Self>, serde_json::Error> {
        serde_json::from_str(claimed)
    }

    /// The user's timezone.
    pub fn zone(&self) -> Tz {
        self.timezone.parse().unwrap_or(Tz::UTC)
    }

    pub fn notices(&self) -> Vec<Notice> {
        self.deliveries.iter().map(Delivery::notice).collect()
    }

    /// A key that all attempts to send this message have, and no other message.
    pub fn key(&self) -> Uuid {
        match self.deliveries.as_slice() {
            [one] => one.id,
            many => {
                let ids: Vec<u8> = many.iter().flat_map(|one| one.id.into_bytes()).collect();
                Uuid::new_v5(&Uuid::NAMESPACE_OID, &ids)
            }
        }
    }
}

impl Delivery {
    fn notice(&self) -> Notice {
        let due = Json::parse(self.due.get().as_bytes()).ok();
        Notice {
            task: self.task_id,
            title: self.title.clone(),
            due: due.and_then(|due| Due::parse("", due).ok()),
            at: self.fire_at,
            late: self.late,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(deliveries: &str) -> Message {
        let text = format!(
            r#"[{{"user_id":"01890a5d-ac96-7741-b2d0-8a1b5e6f0001","email":"a@b.c","name":"","timezone":"Europe/Berlin","attempts":1,
                "subscriptions":[],"deliveries":[{deliveries}]}}]"#
        );
        Message::parse_all(&text).unwrap().remove(0)
    }

    const ONE: &str = r#"{"id":"01890a5d-ac96-7741-b2d0-8a1b5e6f0003","task_id":"01890a5d-ac96-7741-b2d0-8a1b5e6f0002","title":"Rent",
        "due":{"datetime":"2026-03-01T09:00:00","timezone":"Europe/Berlin"},"fire_at":"2026-03-01T07:30:00.000000Z","late":true}"#;

    #[test]
    fn a_message_tells_what_its_deliveries_are_about() {
        let notices = message(ONE).notices();
        let [notice] = notices.as_slice() else {
            panic!("{notices:?}")
        };
        assert_eq!(notice.title, "Rent");
        assert!(matches!(notice.due, Some(Due::Local { .. })), "{notice:?}");
        assert_eq!(notice.at.to_rfc3339(), "2026-03-01T07:30:00+00:00");
        assert!(notice.late);
    }

    #[test]
    fn a_key_belongs_to_the_deliveries_of_a_message() {
        let other = ONE.replace("6f0003", "6f0004");
        let one = message(ONE).key();
        let two = message(&format!("{ONE},{other}")).key();
        assert_eq!(one, message(ONE).key());
        assert_eq!(two, message(&format!("{ONE},{other}")).key());
        assert_ne!(one, two);
        assert_ne!(one, message(&other).key());
    }
}
