//! Cursors: where a page ended, bound to the list that it is a page of. Opaque to clients, so the shape may change.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The last row of a page: its value in the order's column, as the database prints it, and its id.
#[derive(Debug, PartialEq, Eq)]
pub struct Cursor {
    pub key: String,
    pub id: Uuid,
}

/// What travels: the place, and a digest of it together with the list.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    k: String,
    i: Uuid,
    h: String,
}

impl Cursor {
    /// Prints it for the list that `list` describes: who asks, the filter, the order.
    pub fn encode(self, list: &str) -> String {
        let digest = digest(&self, list);
        let wire = Wire {
            k: self.key,
            i: self.id,
            h: digest,
        };
        // A struct of strings always prints.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&wire).unwrap_or_default())
    }

    /// Reads one back; `None` for anything that was not printed for this very list.
    pub fn decode(text: &str, list: &str) -> Option<Self> {
        let wire: Wire = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let cursor = Self {
            key: wire.k,
            id: wire.i,
        };
        // The digest is no secret's: whoever makes one up finds only what they may see anyway.
        (wire.h == digest(&cursor, list) && !cursor.key.contains('\0')).then_some(cursor)
    }
}

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
    fn a_cursor_is_good_for_its_list_only() {
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
