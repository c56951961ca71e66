//! The ids that tie a request to its events and log lines: the correlation id and the W3C trace context.

use uuid::Uuid;

#[derive(Debug)]
pub struct Trace {
    /// 1 to 128 visible ASCII characters. Sent back in `X-Correlation-Id` and part of every event and log line.
    pub correlation: String,
    /// A valid W3C `traceparent`; part of every event.
    pub traceparent: Option<String>,
}

impl Trace {
    /// Reads the values of the headers `X-Correlation-Id` and `traceparent`.
    ///
    /// A missing or malformed correlation id is replaced by a new one. A malformed trace context is dropped, as the W3C
    /// recommendation Trace Context demands (section 3.2.2).
    pub fn new(correlation: Option<&str>, traceparent: Option<&str>) -> Self {
        let correlation = correlation
            .filter(|id| is_correlation_id(id))
            .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
        let traceparent = traceparent
            .filter(|value| is_traceparent(value))
            .map(str::to_owned);
        Self {
            correlation,
            traceparent,
        }
    }

    /// The envelope members of an event that come from the request, as JSON without its braces. SQL inserts them into
    /// each event.
    pub fn event_members(&self) -> String {
        self.event_members_after(None)
    }

    /// As [`Trace::event_members`], for an event that another one caused.
    pub fn event_members_after(&self, cause: Option<Uuid>) -> String {
        let mut members = String::with_capacity(160);
        members.push_str("\"correlationid\":");
        push_quoted(&mut members, &self.correlation);
        members.push_str(",\"causationid\":");
        match cause {
            Some(event) => push_quoted(&mut members, &event.to_string()),
            None => members.push_str("null"),
        }
        members.push_str(",\"traceparent\":");
        match &self.traceparent {
            Some(traceparent) => push_quoted(&mut members, traceparent),
            None => members.push_str("null"),
        }
        members
    }
}

/// Appends visible ASCII as a JSON string. Of these characters, JSON escapes only the quote and the backslash.
fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

/// Whether an id has 1 to 128 visible ASCII characters, which are safe in headers, log lines and events.
fn is_correlation_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a value is `00-<32 hex>-<16 hex>-<2 hex>`: trace id, parent id and flags in lower case, both ids not zero
/// (W3C Trace Context, section 3.2.2).
fn is_traceparent(value: &str) -> bool {
    let hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let not_zero = |part: &str| part.bytes().any(|byte| byte != b'0');
    let mut parts = value.split('-');
    match (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) {
        (Some("00"), Some(trace), Some(span), Some(flags), None) => {
            hex(trace, 32) && not_zero(trace) && hex(span, 16) && not_zero(span) && hex(flags, 2)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_ids_are_visible_ascii() {
        assert!(is_correlation_id("a-1.\"x\\"));
        for bad in ["", "a b", "a\n", "é", &"x".repeat(129)] {
            assert!(!is_correlation_id(bad), "{bad:?}");
        }
    }

    #[test]
    fn event_members_are_json() {
        let trace = Trace {
            correlation: "a\"\\b".to_owned(),
            traceparent: None,
        };
        let event: serde_json::Value =
            serde_json::from_str(&format!("{{{}}}", trace.event_members())).unwrap();
        assert_eq!(event["correlationid"], "a\"\\b");
        assert_eq!(event["causationid"], serde_json::Value::Null);
    }

    #[test]
    fn a_trace_context_is_checked() {
        assert!(is_traceparent(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        ));
        for bad in [
            "",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert!(!is_traceparent(bad), "{bad:?}");
        }
    }
}
