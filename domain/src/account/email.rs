//! Email addresses.

use crate::json::{self, Fault, Json};
use crate::text;

/// An email address as it is compared: addresses that differ only in case, width or the way accents are typed belong to one account
/// (RFC 8265).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    pub(super) fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let written = json::text(pointer, value, 3, 254)?;
        let is_valid_part = |part: &str| {
            !part.is_empty() && !part.chars().any(|c| text::is_invisible(c) || c == '@')
        };
        let address = text::username(&written);
        let fault = |detail: &str| Err(vec![Fault::new(pointer, detail)]);
        let Some((local, domain)) = address.rsplit_once('@') else {
            return fault("must be an email address");
        };
        let is_domain = domain.contains('.')
            && domain
                .split('.')
                .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        if !is_valid_part(local) || !is_valid_part(domain) || !is_domain {
            return fault("must be an email address");
        }
        if local.chars().count() > 64 {
            return fault("must have at most 64 characters before the @");
        }
        // This form can be longer than what was written.
        if address.chars().count() > 254 {
            return fault("must have at most 254 characters, also in lower case");
        }
        Ok(Self(address))
    }

    pub fn into_string(self) -> String {
        self.0
    }
}
