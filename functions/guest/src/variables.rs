//! Settings: only what spin.toml declares for the component exists.

use spin_sdk::variables;

/// A setting that is not there or cannot be resolved. Its value is never part of the message.
#[derive(Debug, thiserror::Error)]
#[error("setting `{name}`: {reason}")]
pub struct BadSetting {
    pub name: &'static str,
    pub reason: String,
}

impl BadSetting {
    pub fn new(name: &'static str, reason: impl Into<String>) -> Self {
        Self {
            name,
            reason: reason.into(),
        }
    }
}

/// The value of a setting.
pub fn get(name: &'static str) -> Result<String, BadSetting> {
    variables::get(name).map_err(|error| BadSetting::new(name, reason(error)))
}

fn reason(error: variables::Error) -> String {
    match error {
        variables::Error::Undefined(_) => "is not declared or has no value".to_owned(),
        variables::Error::InvalidName(text)
        | variables::Error::Provider(text)
        | variables::Error::Other(text) => text,
    }
}
