//! Cursors of keyset pagination: the last row of a page, bound to its list and signed. Clients treat them as opaque, so the format
//! may change.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::keys::{Key, Keys};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

/// The last row of a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The row's value in the sort column, as Postgres prints it.
    pub key: String,
    /// Orders rows with equal keys.
    pub id: Uuid,
}

/// The encoded form, as JSON in base64url: key, id, and a signature of both and of the list.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    k: String,
    i: Uuid,
    s: String,
}

/// Signs cursors. So SQL gets only keys that it returned before, and its casts of them cannot fail.
///
/// The signing keys of access tokens also serve here, each through a key that is derived from it, so that a signature is never both.
pub struct Signer {
    newest: Hmac<Sha256>,
    older: Vec<Hmac<Sha256>>,
}

impl Signer {
    /// The newest key signs. Cursors of the older keys stay valid until those keys are removed.
    pub fn new(keys: &Keys) -> Self {
        Self {
            newest: derived(&keys.signing),
            older: keys.older().iter().map(derived).collect(),
        }
    }

    /// Encodes a cursor. `list` describes the list: the caller if it depends on them, the filters and the order.
    pub fn encode(&self, cursor: Cursor, list: &str) -> String {
        let signature = signed(&self.newest, &cursor, list).finalize().into_bytes();
        let wire = Wire {
            k: cursor.key,
            i: cursor.id,
            s: URL_SAFE_NO_PAD.encode(signature),
        };
        // Serializing a struct of strings cannot fail.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&wire).unwrap_or_default())
    }

    /// Decodes a cursor; `None` for everything that [`Signer::encode`] did not produce for the same list.
    pub fn decode(&self, text: &str, list: &str) -> Option<Cursor> {
        let wire: Wire = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(&wire.s).ok()?;
        let cursor = Cursor {
            key: wire.k,
            id: wire.i,
        };
        std::iter::once(&self.newest)
            .chain(&self.older)
            .any(|key| signed(key, &cursor, list).verify_slice(&signature).is_ok())
            .then_some(cursor)
    }
}

/// The key for cursors that belongs to a signing key.
fn derived(key: &Key) -> Hmac<Sha256> {
    let secret = mac(&key.secret)
        .chain_update("spindle cursor")
        .finalize()
        .into_bytes();
    mac(&secret)
}

/// A key of any length is valid, so this never uses the default.
fn mac(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).unwrap_or_else(|_| Hmac::new(&Default::default()))
}

/// Lengths are part of what is signed, so that parts cannot run into each other.
fn signed(key: &Hmac<Sha256>, cursor: &Cursor, list: &str) -> Hmac<Sha256> {
    [list, &cursor.key, &cursor.id.to_string()]
        .iter()
        .fold(key.clone(), |mac, part| {
            mac.chain_update(part.len().to_be_bytes())
                .chain_update(part)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(setting: &[(&str, u8)]) -> Signer {
        let entries: Vec<String> = setting
            .iter()
            .map(|(id, seed)| {
                let secret: Vec<u8> = (0..32).map(|n| n ^ seed).collect();
                domain::keys::entry(id, &secret)
            })
            .collect();
        Signer::new(&Keys::parse(&entries.join(","), "spindle".to_owned()).unwrap())
    }

    fn cursor() -> Cursor {
        Cursor {
            key: "2026-03-01".to_owned(),
            id: Uuid::from_u128(7),
        }
    }

    #[test]
    fn a_cursor_is_valid_only_for_its_list() {
        let signer = signer(&[("a", 1)]);
        let text = signer.encode(cursor(), "list");
        assert_eq!(signer.decode(&text, "list"), Some(cursor()));
        assert_eq!(signer.decode(&text, "another"), None);
        for bad in ["", "x", "e30"] {
            assert_eq!(signer.decode(bad, "list"), None, "{bad}");
        }
    }

    #[test]
    fn a_forged_cursor_is_refused() {
        let signer = signer(&[("a", 1)]);
        let read = |text: &str| -> Wire {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        let forgeries: [fn(&mut Wire); 4] = [
            |wire| wire.k = "0000-01-01 00:00:00+00".to_owned(),
            |wire| wire.i = Uuid::nil(),
            |wire| wire.s = String::new(),
            |wire| wire.s.truncate(22),
        ];
        for forge in forgeries {
            let mut wire = read(&signer.encode(cursor(), "list"));
            forge(&mut wire);
            let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&wire).unwrap());
            assert_eq!(signer.decode(&text, "list"), None, "{text}");
        }
    }

    #[test]
    fn a_cursor_stays_valid_while_its_key_is_listed() {
        let text = signer(&[("a", 1)]).encode(cursor(), "list");
        let decode = |setting| signer(setting).decode(&text, "list");
        assert_eq!(decode(&[("b", 2), ("a", 1)]), Some(cursor()));
        assert_eq!(decode(&[("b", 2)]), None);
    }
}
