//! Pages of a list: the parameters `limit` and `cursor`, and the body with the items and the next cursor.

use guest::postgres::{ParameterValue, Row, text_or_null};
use serde_json::json;
use uuid::Uuid;

use crate::auth::keys;
use crate::http::cursor::{Cursor, Signer};
use crate::http::problem::Problem;
use crate::http::query::{self, Query};
use crate::http::reply::Reply;

/// The page that a request asks for.
pub struct Page {
    limit: i64,
    /// The last row of the page before; `None` for the first page.
    after: Option<Cursor>,
    /// See [`Signer::encode`].
    list: String,
    signer: Signer,
}

impl Page {
    /// Takes the parameters `limit` and `cursor`; their faults are added to the query.
    ///
    /// `list` describes the list with its filters and order; a cursor of another list is refused.
    ///
    /// # Errors
    /// Missing or weak keys, which sign the cursors.
    pub fn take(query: &mut Query, list: String) -> Result<Self, Problem> {
        Ok(Self::signed(query, list, Signer::new(&keys::load()?)))
    }

    fn signed(query: &mut Query, list: String, signer: Signer) -> Self {
        let limit = query.parsed("limit", query::LIMIT, query::limit);
        let after =
            query.parsed_if_filled("cursor", query::CURSOR, |text| signer.decode(text, &list));
        Self {
            limit: limit.unwrap_or(query::DEFAULT_LIMIT),
            after,
            list,
            signer,
        }
    }

    /// SQL parameters: key and id of the last row of the page before (null for the first page), and the page size.
    pub fn parameters(&self) -> [ParameterValue; 3] {
        let key = self.after.as_ref().map(|cursor| cursor.key.as_str());
        let id = self.after.as_ref().map(|cursor| cursor.id.to_string());
        [
            text_or_null(key),
            text_or_null(id),
            ParameterValue::Int64(self.limit),
        ]
    }

    /// The response. `items` is a JSON array. The second and third column of `row` are the key and the id of the page's last
    /// item if more items follow, else null.
    pub fn reply(&self, items: &str, row: &mut Row) -> Result<Reply, Problem> {
        self.reply_with(items, "", row)
    }

    /// The response of [`Self::reply`] with more members, each after a comma.
    pub fn reply_with(&self, items: &str, members: &str, row: &mut Row) -> Result<Reply, Problem> {
        let next = match (row.text_or_null(1)?, row.text_or_null(2)?) {
            (Some(key), Some(id)) => {
                let id = Uuid::parse_str(&id)
                    .map_err(|_| Problem::internal("the id of a list item is not a UUID"))?;
                json!(self.signer.encode(Cursor { key, id }, &self.list))
            }
            _ => json!(null),
        };
        Ok(Reply::json(
            200,
            format!(r#"{{"items":{items},"next_cursor":{next}{members}}}"#),
        ))
    }
}

#[cfg(test)]
mod tests {
    use domain::keys::{Keys, entry};

    use super::*;

    fn signer() -> Signer {
        let secret: Vec<u8> = (0..32).collect();
        let keys = Keys::parse(&entry("a", &secret), "spindle".to_owned());
        Signer::new(&keys.unwrap())
    }

    fn taken(query: &str) -> (Page, bool) {
        let mut query = Query::parse(query);
        let page = Page::signed(&mut query, "a".to_owned(), signer());
        (page, query.finish().is_ok())
    }

    fn cursor(key: &str, list: &str) -> String {
        let cursor = Cursor {
            key: key.to_owned(),
            id: Uuid::nil(),
        };
        format!("cursor={}", signer().encode(cursor, list))
    }

    #[test]
    fn a_page_starts_where_its_cursor_says() {
        let (page, fine) = taken(&format!("limit=7&{}", cursor("41", "a")));
        assert!(fine);
        assert_eq!(page.limit, 7);
        assert_eq!(page.after.map(|cursor| cursor.key).as_deref(), Some("41"));
        let (page, fine) = taken("");
        assert!(fine && page.limit == 50 && page.after.is_none());
    }

    #[test]
    fn an_invalid_limit_or_cursor_is_refused() {
        for wrong in [
            "limit=0",
            "limit=201",
            "limit=x",
            "cursor=a&cursor=b",
            &cursor("41", "b"),
        ] {
            assert!(!taken(wrong).1, "{wrong}");
        }
    }
}
