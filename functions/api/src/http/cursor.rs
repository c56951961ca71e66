//! Cursors of keyset pagination: the last row of a page, bound to its list. Clients treat them as opaque, so the format may
//! change.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The last row of a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The row's value in the sort column, as Postgres prints it.
    pub key: String,
    /// Orders rows with equal keys.
    pub id: Uuid,
}

/// The encoded form, as JSON in base64url: key, id, and a digest of both and of the list.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    k: String,
    i: Uuid,
    h: String,
}

impl Cursor {
    /// Encodes the cursor. `list` describes the list: the caller if it depends on them, the filters and the order.
    pub fn encode(self, list: &str) -> String {
        let digest = digest(&self, list);
        let wire = Wire {
            k: self.key,
            i: self.id,
            h: digest,
        };
        // Serializing a struct of strings cannot fail.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&wire).unwrap_or_default())
    }

    /// Decodes a cursor; `None` for everything that [`Cursor::encode`] did not produce for the same list.
    pub fn decode(text: &str, list: &str) -> Option<Self> {
        let wire: Wire = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let cursor = Self {
            key: wire.k,
            id: wire.i,
        };
        // The digest is not keyed, because it protects no secret: a forged cursor only leads to other rows of a list that
        // the caller may read.
        (wire.h == digest(&cursor, list) && !cursor.key.contains('\0')).then_some(cursor)
    }
}

/// Hashes the cursor and the list. Lengths are part of the input, so that parts cannot run into each other.
fn digest(cursor: &Cursor, list: &str) -> String {
    let mut hash = Sha256::new();
    for part in [list, &cursor.key, &cursor.id.to_string()] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let mut text = URL_SAFE_NO_PAD.encode(hash.finalize());
    text.truncate(16);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_valid_only_for_its_list() {
        let text = || {
            Cursor {
                key: "2026-03-01".to_owned(),
                id: Uuid::from_u128(7),
            }
            .encode("list")
        };
        assert_eq!(
            Cursor::decode(&text(), "list").unwrap().id,
            Uuid::from_u128(7)
        );
        assert_eq!(Cursor::decode(&text(), "another"), None);
        let mut tampered: Wire =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text()).unwrap()).unwrap();
        tampered.k = "2027-03-01".to_owned();
        let tampered = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&tampered).unwrap());
        for bad in ["", "x", "e30", &tampered] {
            assert_eq!(Cursor::decode(bad, "list"), None, "{bad}");
        }
    }
}
