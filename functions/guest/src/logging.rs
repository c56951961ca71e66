//! Logging: one JSON object per line on stderr, which Spin and Kubernetes collect.
//!
//! Level `error` means that a person must act. A fault that ends by itself, such as an outage of a server, is `warn`.

use std::io::Write;

use serde_json::{Map, Value};

/// A log line that is built field by field.
#[must_use = "`write` writes the line"]
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

    /// Adds a field. The names are the same in all parts of the system: `correlation_id`, `event.id`, `task.id`, `user.id`,
    /// `duration_ms`, `error`.
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Adds the field `error`: an error and its causes, outermost first.
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

    /// Writes the line to stderr.
    pub fn write(self) {
        let mut line = Value::Object(self.0).to_string();
        line.push('\n');
        // There is no other place to report that stderr cannot be written.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}
