//! One page of a list: how long it is, where it starts, and what leads to the next.

use crate::query::Query;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 200;
const MARK: usize = 8;

/// A cursor holds the key of the last entry shown, and a mark of the list that it was made for, so that it cannot continue
/// another one.
pub struct Page {
    pub limit: i64,
    /// The key of the last entry of the page before.
    pub after: Option<String>,
    mark: Vec<u8>,
}

impl Page {
    /// Takes `limit` and `cursor`. `list` names the list with its filters; `key` says whether a key can be one of its.
    pub fn take(query: &mut Query, list: &str, key: impl FnOnce(&str) -> bool) -> Self {
        let wanted = format!("a number from 1 to {MAX_LIMIT}");
        let limit = query.parsed("limit", &wanted, |text| {
            text.parse()
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        });
        let mark: Vec<u8> = Sha256::digest(list).into_iter().take(MARK).collect();
        let after = query.parsed(
            "cursor",
            "one that this list gave, with the same filters",
            |text| {
                let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
                let given = bytes.strip_prefix(mark.as_slice())?;
                String::from_utf8(given.to_vec())
                    .ok()
                    .filter(|given| key(given))
            },
        );
        Self {
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            after,
            mark,
        }
    }

    /// The body of the answer, from the items as JSON and the key of the last one where there are more.
    pub fn body(mut self, items: &str, last: Option<&str>) -> String {
        let cursor = last.map_or_else(
            || "null".to_owned(),
            |last| {
                self.mark.extend_from_slice(last.as_bytes());
                format!("\"{}\"", URL_SAFE_NO_PAD.encode(&self.mark))
            },
        );
        format!(r#"{{"items":{items},"next_cursor":{cursor}}}"#)
    }
}

/// Whether a key is an entry's number.
pub fn is_number(key: &str) -> bool {
    key.parse::<i64>().is_ok_and(|number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor_of(body: &str) -> String {
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        body["next_cursor"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_cursor_continues_its_own_list_only() {
        let first = Page::take(&mut Query::parse("limit=7"), "list a", is_number);
        assert_eq!((first.limit, first.after.as_deref()), (7, None));
        let cursor = cursor_of(&first.body("[]", Some("41")));

        let mut query = Query::parse(&format!("cursor={cursor}"));
        let next = Page::take(&mut query, "list a", is_number);
        assert_eq!((next.limit, next.after.as_deref()), (50, Some("41")));
        assert!(query.finish().is_ok());

        let mut query = Query::parse(&format!("cursor={cursor}"));
        Page::take(&mut query, "list b", is_number);
        assert!(query.finish().is_err());
    }

    #[test]
    fn what_is_no_limit_or_cursor_is_refused() {
        let forged = cursor_of(
            &Page::take(&mut Query::parse(""), "a", is_number).body("[]", Some("1; drop")),
        );
        for text in [
            "limit=0",
            "limit=201",
            "limit=x",
            "cursor=x",
            "cursor=",
            "cursor=%21",
            &format!("cursor={forged}"),
        ] {
            let mut query = Query::parse(text);
            Page::take(&mut query, "a", is_number);
            assert!(query.finish().is_err(), "{text}");
        }
    }

    #[test]
    fn the_last_page_leads_nowhere() {
        let body = Page::take(&mut Query::parse(""), "a", is_number).body("[1]", None);
        assert_eq!(body, r#"{"items":[1],"next_cursor":null}"#);
    }
}
