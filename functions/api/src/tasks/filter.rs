//! The query string of a list: its filters and its order are parsed into the parameters of `list.sql`.

use chrono::SecondsFormat;
use domain::due;
use domain::json::Json;
use domain::tag;
use domain::task::{Priority, Status};
use guest::postgres::{ParameterValue, text_or_null};
use uuid::Uuid;

use super::search::Search;
use crate::http::query::Query;

/// The sort orders of a list.
const SORTS: &[&str] = &[
    "created_at",
    "updated_at",
    "due_at",
    "priority",
    "title",
    "relevance",
];

/// The other times that a task is compared with, in the order of the parameter `p_times` of the SQL function `task_page`.
const TIMES: [&str; 5] = [
    "created_after",
    "created_before",
    "updated_before",
    "completed_after",
    "completed_before",
];

/// Maximum number of values of one filter.
const MAX_VALUES: usize = 32;

/// The filter and the order of a list. Every parameter is valid.
#[derive(Debug)]
pub struct Filter {
    status: Vec<String>,
    priority: Vec<String>,
    tag: Vec<String>,
    tag_any: Vec<String>,
    due_before: Option<String>,
    due_after: Option<String>,
    overdue: Option<bool>,
    series_id: Option<Uuid>,
    updated_after: Option<String>,
    times: [Option<String>; TIMES.len()],
    /// Whether a task must have a due date, or none.
    has_due: Option<bool>,
    q: Option<String>,
    pub search: Option<Search>,
    pub sort: String,
    pub descending: bool,
    pub highlight: bool,
}

impl Filter {
    /// Takes all query parameters except those of the page. Faults are recorded in `query`.
    pub fn take(query: &mut Query) -> Self {
        let q = query.parsed_if_filled("q", "up to 500 characters, not all blank", |text| {
            (!text.trim().is_empty() && text.chars().count() <= 500).then(|| text.to_owned())
        });
        let sort = query.parsed("sort", &format!("one of {}", SORTS.join(", ")), |text| {
            SORTS.contains(&text).then(|| text.to_owned())
        });
        if sort.as_deref() == Some("relevance") && q.is_none() {
            query.fault("sort", "relevance needs `q`");
        }
        let search = q.as_deref().map(Search::parse);
        // A query that only excludes terms ranks all tasks alike, so the newest come first.
        let sort = sort.unwrap_or_else(|| {
            match &search {
                Some(search) if search.included().next().is_some() => "relevance",
                _ => "created_at",
            }
            .to_owned()
        });
        let highlight = query
            .parsed("highlight", "true or false", |text| text.parse().ok())
            .unwrap_or(false);
        if highlight && q.is_none() {
            query.fault("highlight", "needs `q`");
        }
        let descending = query
            .parsed("order", "asc or desc", |text| match text {
                "asc" => Some(false),
                "desc" => Some(true),
                _ => None,
            })
            // The best match, the newest and the most urgent come first, but the earliest due date, and A before Z.
            .unwrap_or(!matches!(sort.as_str(), "due_at" | "title"));
        Self {
            status: names(query, "status", Status::NAMES),
            priority: names(query, "priority", Priority::NAMES),
            tag: tags(query, "tag"),
            tag_any: tags(query, "tag_any"),
            due_before: time(query, "due_before"),
            due_after: time(query, "due_after"),
            overdue: query.parsed("overdue", "true or false", |text| text.parse().ok()),
            series_id: query.parsed("series_id", "a UUID", |text| Uuid::parse_str(text).ok()),
            updated_after: time(query, "updated_after"),
            times: TIMES.map(|name| time(query, name)),
            has_due: query.parsed("due", "any or none", |text| match text {
                "any" => Some(true),
                "none" => Some(false),
                _ => None,
            }),
            q,
            search,
            sort,
            descending,
            highlight,
        }
    }

    /// Describes the user, the filter and the order. A cursor contains a signature of this text, so that it is refused in a list with
    /// other parameters.
    pub fn describe(&self, user: Uuid) -> String {
        let Self {
            status,
            priority,
            tag,
            tag_any,
            due_before,
            due_after,
            overdue,
            series_id,
            updated_after,
            times,
            has_due,
            q,
            sort,
            descending,
            ..
        } = self;
        format!(
            "{:?}",
            (
                (user, status, priority, tag, tag_any, due_before),
                (
                    due_after,
                    overdue,
                    series_id,
                    updated_after,
                    q,
                    sort,
                    descending
                ),
                (times, has_due),
            )
        )
    }

    /// Parameters 2 to 13 of `list.sql`.
    pub fn parameters(self) -> [ParameterValue; 12] {
        [
            list(self.status),
            list(self.priority),
            list(self.tag),
            list(self.tag_any),
            text_or_null(self.due_before),
            text_or_null(self.due_after),
            self.overdue
                .map_or(ParameterValue::DbNull, ParameterValue::Boolean),
            text_or_null(self.series_id.map(|id| id.to_string())),
            text_or_null(self.updated_after),
            // A search without terms is an empty array and finds nothing. Null means that there is no search.
            self.search
                .map_or(ParameterValue::DbNull, |search| array(search.parameter())),
            ParameterValue::ArrayStr(self.times.into()),
            self.has_due
                .map_or(ParameterValue::DbNull, ParameterValue::Boolean),
        ]
    }
}

fn array(values: Vec<String>) -> ParameterValue {
    ParameterValue::ArrayStr(values.into_iter().map(Some).collect())
}

/// An empty list filters nothing, so it is null.
fn list(values: Vec<String>) -> ParameterValue {
    if values.is_empty() {
        ParameterValue::DbNull
    } else {
        array(values)
    }
}

/// Takes a parameter whose values are names from a fixed list. The parameter may be repeated, and each value may be several
/// names separated by commas.
fn names(query: &mut Query, name: &'static str, known: &[&str]) -> Vec<String> {
    let names: Vec<String> = query
        .all(name)
        .iter()
        .flat_map(|value| value.split(','))
        .map(str::to_owned)
        .collect();
    if names.len() > MAX_VALUES || names.iter().any(|name| !known.contains(&name.as_str())) {
        query.fault(name, &format!("must be of {}", known.join(", ")));
    }
    names
}

fn tags(query: &mut Query, name: &'static str) -> Vec<String> {
    let tags = query.all(name);
    if tags.len() > MAX_VALUES {
        query.fault(name, "may occur up to 32 times");
    } else if tags
        .iter()
        .any(|tag| tag::parse("", Json::Text(tag.clone())).is_err())
    {
        query.fault(name, "must be a tag of 1 to 64 characters");
    }
    tags
}

fn time(query: &mut Query, name: &'static str) -> Option<String> {
    query.parsed(name, "a time like 2026-03-01T08:00:00Z", |text| {
        // A `+` that the client did not encode arrives as a space.
        let instant = due::instant(&text.replace(' ', "+"))?;
        Some(
            instant
                .to_utc()
                .to_rfc3339_opts(SecondsFormat::Micros, true),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::Problem;

    fn filter(query: &str) -> Result<Filter, Problem> {
        let mut query = Query::parse(query);
        let filter = Filter::take(&mut query);
        query.finish().map(|()| filter)
    }

    #[test]
    fn each_order_has_a_default_direction() {
        let plain = filter("").unwrap();
        assert_eq!(
            (plain.sort.as_str(), plain.descending),
            ("created_at", true)
        );
        let due = filter("sort=due_at").unwrap();
        assert!(!due.descending);
        assert_eq!(filter("q=plants").unwrap().sort, "relevance");
        assert_eq!(filter("q=-plants").unwrap().sort, "created_at");
        assert_eq!(filter("q=&status=open").unwrap().sort, "created_at");
    }

    #[test]
    fn invalid_parameters_are_refused() {
        for bad in [
            "sort=id",
            "order=up",
            "status=done",
            "status=open,",
            "priority=1",
            "tag=",
            "overdue=1",
            "due_before=today",
            "due_after=2026-03-01",
            "series_id=1",
            "updated_after=",
            "created_before=today",
            "completed_after=2026-03-01",
            "due=tomorrow",
            "q=%20",
            "sort=relevance",
            "highlight=true",
            "q=a&highlight=1",
            "page=2",
        ] {
            assert_eq!(filter(bad).unwrap_err().status, 422, "{bad}");
        }
        assert!(filter("status=open,in_progress&status=completed&tag=a&tag=b&tag_any=c&due_after=2026-03-01T00:00:00+02:00").is_ok());
    }

    #[test]
    fn a_description_contains_the_filter_and_the_order() {
        let describe = |query: &str| filter(query).unwrap().describe(Uuid::nil());
        assert_eq!(describe(""), describe("order=desc"));
        for other in [
            "status=open",
            "tag=a",
            "tag_any=a",
            "q=a",
            "order=asc",
            "overdue=true",
            "due=none",
            "due=any",
            "created_after=2026-03-01T00:00:00Z",
            "created_before=2026-03-01T00:00:00Z",
        ] {
            assert_ne!(describe(""), describe(other), "{other}");
        }
        assert_ne!(describe("tag=a"), describe("tag_any=a"));
    }
}
