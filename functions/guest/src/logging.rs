//! The log: one JSON object a line on stderr, which Spin and Kubernetes collect.
//!
//! `error` means that a person must act; what repairs itself is `warn`.

use std::io::Write;

use serde_json::{Map, Value};

/// A line under construction.
#[must_use = "a line is written by `write`"]
pub struct Line(Map<String, Value>);

pub fn error(message: &str) -> Line {
    Line::new("error", message)
}

pub fn warn(message: &str) -> Line {
    Line::new("warn", message)
}

pub fn info(message: &str) -> Line {
    Line::new("info", message)
}

impl Line {
    fn new(level: &str, message: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("level".to_owned(), level.into());
        fields.insert("message".to_owned(), message.into());
        Self(fields)
    }

    /// Adds a field, named as elsewhere: `correlation_id`, `event.id`, `task.id`, `user.id`, `duration_ms`, `error`.
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Adds an error with everything that caused it, outermost first.
    pub fn chain(self, error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        self.field("error", text)
    }

    pub fn write(self) {
        let mut line = Value::Object(self.0).to_string();
        line.push('\n');
        // A log that cannot be written has nowhere to say so.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}
