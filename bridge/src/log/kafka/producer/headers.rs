//! The headers of a message in Kafka, for readers that do not parse the event.

use std::borrow::Cow;

use rdkafka::message::{Header, OwnedHeaders};
use serde::Deserialize;
use uuid::Uuid;

use crate::log::kafka::EVENT_ID;

/// The event's attributes that become headers, for tools and traces. The rest of the event is not parsed.
#[derive(Default, Deserialize)]
struct Attributes<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    traceparent: Option<Cow<'a, str>>,
}

/// The headers of an event, which is CloudEvents JSON.
pub(super) fn of(event_id: Uuid, event: &[u8]) -> OwnedHeaders {
    let attributes: Attributes<'_> = serde_json::from_slice(event).unwrap_or_default();
    let mut headers = add(
        OwnedHeaders::new_with_capacity(3),
        EVENT_ID,
        &event_id.to_string(),
    );
    for (key, value) in [
        ("type", attributes.kind),
        ("traceparent", attributes.traceparent),
    ] {
        if let Some(value) = &value {
            headers = add(headers, key, value);
        }
    }
    headers
}

pub(super) fn add(headers: OwnedHeaders, key: &str, value: &str) -> OwnedHeaders {
    headers.insert(Header {
        key,
        value: Some(value),
    })
}
