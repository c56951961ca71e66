//! Settings of a function, which are Spin variables. Only the variables that spin.toml declares for the component exist.

use spin_sdk::variables;

/// A setting that is missing or invalid. The message never contains its value, which may be secret.
#[derive(Debug, thiserror::Error)]
#[error("setting `{name}`: {reason}")]
pub struct BadSetting {
    pub name: &'static str,
    /// What is wrong with it.
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

/// The name of a setting, and what is wrong with it, from a parser of several settings.
impl From<(&'static str, String)> for BadSetting {
    fn from((name, reason): (&'static str, String)) -> Self {
        Self { name, reason }
    }
}

/// Reads a setting.
///
/// # Errors
/// A variable that is not declared, has no value, or cannot be resolved by its provider.
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
