//! The order of a list: its sort keys and their directions.

use guest::postgres::ParameterValue;

use super::parameters::array;
use super::search::Search;
use crate::http::query::Query;

/// The sort keys of a list.
const SORTS: &[&str] = &[
    "created_at",
    "updated_at",
    "due_at",
    "completed_at",
    "deleted_at",
    "priority",
    "title",
    "relevance",
];

/// The order of a list: one or two sort keys, each with its direction.
#[derive(Debug)]
pub struct Order {
    sort: Vec<String>,
    directions: Vec<&'static str>,
}

impl Order {
    /// Takes the parameters `sort` and `order`.
    pub fn take(query: &mut Query, search: Option<&Search>, deleted: bool) -> Self {
        let mut sort = query.listed("sort");
        let is_known = |key: &String| SORTS.contains(&key.as_str());
        let is_valid = match sort.as_slice() {
            [] => true,
            [first] => is_known(first),
            [first, second] => is_known(first) && is_known(second) && first != second,
            [_, _, ..] => false,
        };
        if !is_valid {
            let detail = format!("must be one or two of {}", SORTS.join(", "));
            query.fault("sort", &detail);
        }
        let is_given = !sort.is_empty();
        if !is_given {
            let key = match search {
                _ if deleted => "deleted_at",
                // A query that only excludes terms ranks all tasks alike, so the newest come first.
                Some(search) if search.included().next().is_some() => "relevance",
                _ => "created_at",
            };
            sort.push(key.to_owned());
        }
        let has = |name: &str| sort.iter().any(|key| key == name);
        if has("relevance") && search.is_none() {
            query.fault("sort", "relevance needs `q`");
        } else if has("relevance") && sort.len() > 1 {
            query.fault("sort", "relevance must be the only sort key");
        } else if is_given && (sort == ["deleted_at"]) != deleted {
            let detail = "must be deleted_at with `deleted=true`, and only then";
            query.fault("sort", detail);
        }
        let given = query.listed("order");
        let mut directions: Vec<_> = given
            .iter()
            .filter_map(|word| ["asc", "desc"].into_iter().find(|known| known == word))
            .collect();
        if directions.len() < given.len() || given.len() > sort.len() {
            query.fault("order", "must be asc or desc for each sort key");
        }
        // The best match, the newest and the most urgent come first, but the earliest due date, and A before Z.
        let defaults = sort.iter().map(|key| match key.as_str() {
            "due_at" | "title" => "asc",
            _ => "desc",
        });
        directions.extend(defaults.skip(directions.len()));
        Self { sort, directions }
    }

    pub fn is_ranked(&self) -> bool {
        self.sort == ["relevance"]
    }

    /// Names and directions of the sort keys, as arrays.
    pub fn parameters(self) -> [ParameterValue; 2] {
        let directions = self.directions.into_iter().map(str::to_owned);
        [array(self.sort), array(directions.collect())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(query: &str, search: Option<&str>, deleted: bool) -> (Order, bool) {
        let mut query = Query::parse(query);
        let search = search.map(Search::parse);
        let order = Order::take(&mut query, search.as_ref(), deleted);
        (order, query.finish().is_ok())
    }

    #[test]
    fn each_key_has_a_default_direction() {
        for (query, search, keys, directions) in [
            ("", None, "created_at", "desc"),
            ("sort=due_at", None, "due_at", "asc"),
            ("", Some("plants"), "relevance", "desc"),
            ("", Some("-plants"), "created_at", "desc"),
            ("sort=priority,due_at", None, "priority,due_at", "desc,asc"),
            (
                "sort=priority,title&order=asc",
                None,
                "priority,title",
                "asc,asc",
            ),
            (
                "sort=title,due_at&order=asc,desc",
                None,
                "title,due_at",
                "asc,desc",
            ),
            (
                "sort=title&sort=due_at&order=asc&order=desc",
                None,
                "title,due_at",
                "asc,desc",
            ),
        ] {
            let (order, is_valid) = order(query, search, false);
            assert!(is_valid, "{query}");
            assert_eq!(order.sort.join(","), keys, "{query}");
            assert_eq!(order.directions.join(","), directions, "{query}");
        }
        assert_eq!(order("", Some("plants"), true).0.sort, ["deleted_at"]);
    }

    #[test]
    fn keys_that_do_not_fit_are_refused() {
        for (query, search, deleted) in [
            ("sort=id", None, false),
            ("sort=", None, false),
            ("sort=title,title", None, false),
            ("sort=title,due_at,priority", None, false),
            ("sort=relevance", None, false),
            ("sort=relevance,title", Some("a"), false),
            ("sort=deleted_at", None, false),
            ("sort=title", None, true),
            ("sort=title&order=asc,desc", None, false),
            ("order=up", None, false),
        ] {
            assert!(!order(query, search, deleted).1, "{query}");
        }
    }
}
