//! The channels to the outside: what is sent for a message, and to whom.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::delivery::Outgoing;
use domain::keys::Keys;
use domain::mail::{Content, Mail, Mailbox, Mailer, Unsubscribe};
use domain::notice::push_payload;
use domain::push::{self, MessageSecrets, PushError, PushHosts, PushMessage, Subscription, Vapid};
use domain::reminder::Channel;
use guest::variables::{self, BadSetting};
use uuid::Uuid;
use wasi::random::random;

use crate::message::{Message, StoredSubscription};

/// How long a push service keeps a message for a browser that is offline, in seconds.
const TTL: u32 = 24 * 60 * 60;

/// A channel with its settings.
pub enum Outside {
    Email(Email),
    Push(Push),
}

/// A request of a message, or the reason why there is none.
pub struct Part {
    /// The push subscription that it is for.
    pub subscription: Option<Uuid>,
    pub request: Result<Outgoing, String>,
}

pub struct Email {
    mailer: Mailer,
    keys: Keys,
    /// URL of the API for users, without a path.
    public_url: String,
}

pub struct Push {
    vapid: Vapid,
    hosts: PushHosts,
    /// The header of each origin: a signature costs more than the rest of a message.
    signed: HashMap<String, String>,
}

impl Outside {
    /// Reads the settings of email. `None` if no provider is set.
    ///
    /// # Errors
    /// Invalid settings.
    pub fn email() -> Result<Option<Self>, BadSetting> {
        let provider = variables::get("mail_provider")?;
        if provider.trim().is_empty() {
            return Ok(None);
        }
        let (url, key) = (variables::get("mail_url")?, variables::get("mail_key")?);
        let mailer = Mailer::parse(&provider, &url, &key, &variables::get("mail_from")?)?;
        let keys = Keys::parse(&variables::get("unsubscribe_keys")?, String::new())
            .map_err(|reason| BadSetting::new("unsubscribe_keys", reason))?;
        let public_url = variables::get("public_url")?;
        Ok(Some(Self::Email(Email {
            mailer,
            keys,
            public_url: public_url.trim_end_matches('/').to_owned(),
        })))
    }

    /// Reads the settings of push messages. `None` if there is no key.
    ///
    /// # Errors
    /// Invalid settings.
    pub fn push() -> Result<Option<Self>, BadSetting> {
        let key = variables::get("vapid_key")?;
        if key.trim().is_empty() {
            return Ok(None);
        }
        let vapid = Vapid::parse(&key, &variables::get("vapid_subject")?)?;
        let hosts = PushHosts::parse(&variables::get("push_hosts")?)
            .map_err(|reason| BadSetting::new("push_hosts", reason))?;
        let signed = HashMap::new();
        Ok(Some(Self::Push(Push {
            vapid,
            hosts,
            signed,
        })))
    }

    /// The requests that deliver a message. There is at least one part.
    pub fn parts(&mut self, message: &Message, now: DateTime<Utc>) -> Vec<Part> {
        match self {
            Self::Email(email) => vec![Part {
                subscription: None,
                request: email.request(message),
            }],
            Self::Push(_) if message.subscriptions.is_empty() => vec![Part {
                subscription: None,
                request: Err("the account has no push subscription".to_owned()),
            }],
            Self::Push(push) => message
                .subscriptions
                .iter()
                .map(|subscription| Part {
                    subscription: Some(subscription.id),
                    request: push.request(message, subscription, now),
                })
                .collect(),
        }
    }
}

impl Email {
    fn request(&self, message: &Message) -> Result<Outgoing, String> {
        let to = Mailbox::parse(&message.email)
            .map_err(|reason| format!("the account's address {reason}"))?;
        let token = Unsubscribe {
            user: message.user_id,
            channel: Channel::Email,
        };
        let unsubscribe = format!(
            "{}/api/unsubscribe/{}",
            self.public_url,
            token.token(&self.keys.signing)
        );
        Ok(self.mailer.request(&Mail {
            to: &to,
            content: &Content::of(&message.notices(), message.zone(), &unsubscribe),
            unsubscribe: &unsubscribe,
            idempotency_key: &message.key().to_string(),
        }))
    }
}

impl Push {
    fn request(
        &mut self,
        message: &Message,
        to: &StoredSubscription,
        now: DateTime<Utc>,
    ) -> Result<Outgoing, String> {
        let to = Subscription::stored(&to.endpoint, &to.p256dh, &to.auth, &self.hosts).map_err(
            |faults| {
                let details: Vec<_> = faults
                    .iter()
                    .map(|fault| format!("{} {}", fault.pointer, fault.detail))
                    .collect();
                format!("the subscription is invalid: {}", details.join("; "))
            },
        )?;
        let authorization = self
            .signed
            .entry(to.endpoint.origin().to_owned())
            .or_insert_with(|| self.vapid.authorization(to.endpoint.origin(), now));
        let message = PushMessage {
            payload: &push_payload(&message.notices(), message.zone()),
            ttl: TTL,
            topic: message.key(),
        };
        loop {
            match push::request(&to, &message, &secrets(), authorization) {
                Err(PushError::NoKey) => {}
                made => return made.map_err(|error| error.to_string()),
            }
        }
    }
}

/// Random bytes for one message.
fn secrets() -> MessageSecrets {
    let random = random::get_random_bytes(48);
    let (mut key, mut salt) = ([0; 32], [0; 16]);
    for (byte, random) in key.iter_mut().chain(&mut salt).zip(random) {
        *byte = random;
    }
    MessageSecrets { key, salt }
}
