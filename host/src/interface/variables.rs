//! `fermyon:spin/variables`: a component reads its own variables.

use crate::instance::InstanceState;
use crate::wit::variables::{Error, Host};

impl Host for InstanceState {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, Error>> {
        if !is_valid_name(&name) {
            return Ok(Err(Error::InvalidName(name)));
        }
        let value = self.settings.variables.get(&name).cloned();
        Ok(value.ok_or_else(|| {
            Error::Undefined(format!("no variable for {:?}.{name:?}", self.settings.name))
        }))
    }
}

/// Spin's rule for names: a lower-case letter, then lower-case letters, digits and single underscores, but none at
/// the end.
fn is_valid_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.contains("__")
        && !name.ends_with('_')
}
