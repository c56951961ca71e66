//! The query string of a list: its filters and its order are parsed into the parameters of `list.sql`.

use chrono::SecondsFormat;
use domain::due;
use domain::json::Json;
use domain::tag;
use domain::task::{Priority, Status};
use guest::postgres::{ParameterValue, text_or_null};
use uuid::Uuid;

use super::day::{self, Day};
use super::order::Order;
use super::parameters::array;
use super::search::Search;
use crate::http::query::{self, Query};

/// The ends of the ranges of times, in the order of the parameter `p_times` of the SQL function `task_page`.
const TIMES: [&str; 8] = [
    "due_after",
    "due_before",
    "created_after",
    "created_before",
    "updated_after",
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
    times: [Option<String>; TIMES.len()],
    overdue: Option<bool>,
    /// Whether a task must have a due date, or none.
    has_due: Option<bool>,
    series_id: Option<Uuid>,
    /// Whether the list is the one of the deleted tasks.
    deleted: bool,
    q: Option<String>,
    pub search: Option<Search>,
    order: Order,
    pub highlight: bool,
    /// Whether the tasks on all pages are counted.
    pub count: bool,
}

impl Filter {
    /// Takes all query parameters except those of the page. Faults are recorded in `query`.
    pub fn take(query: &mut Query) -> Self {
        let q = query.parsed_if_filled("q", "up to 500 characters, not all blank", |text| {
            (!text.trim().is_empty() && text.chars().count() <= 500).then(|| text.to_owned())
        });
        let search = q.as_deref().map(Search::parse);
        let highlight = flag(query, "highlight").unwrap_or(false);
        if highlight && q.is_none() {
            query.fault("highlight", "needs `q`");
        }
        let deleted = flag(query, "deleted").unwrap_or(false);
        Self {
            order: Order::take(query, search.as_ref(), deleted),
            status: names(query, "status", Status::NAMES),
            priority: names(query, "priority", Priority::NAMES),
            tag: tags(query, "tag"),
            tag_any: tags(query, "tag_any"),
            times: times(query),
            overdue: flag(query, "overdue"),
            has_due: query.parsed("due", "any or none", |text| match text {
                "any" => Some(true),
                "none" => Some(false),
                _ => None,
            }),
            series_id: query.parsed("series_id", "a UUID", query::uuid),
            deleted,
            q,
            search,
            highlight,
            count: flag(query, "count").unwrap_or(false),
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
            times,
            overdue,
            has_due,
            series_id,
            deleted,
            q,
            order,
            // They change nothing but how a page is shown.
            search: _,
            highlight: _,
            count: _,
        } = self;
        format!(
            "{:?}",
            (
                (user, status, priority, tag, tag_any, times),
                (overdue, has_due, series_id, deleted, q, order),
            )
        )
    }

    /// Whether the matches are ranked.
    pub fn is_ranked(&self) -> bool {
        self.order.is_ranked()
    }

    /// Parameters 2 to 13 of `list.sql`.
    pub fn parameters(self) -> [ParameterValue; 12] {
        let [sort, order] = self.order.parameters();
        [
            list(self.status),
            list(self.priority),
            list(self.tag),
            list(self.tag_any),
            ParameterValue::ArrayStr(self.times.into()),
            flag_or_null(self.overdue),
            flag_or_null(self.has_due),
            text_or_null(self.series_id.map(|id| id.to_string())),
            ParameterValue::Boolean(self.deleted),
            // A search without terms is an empty array and finds nothing. Null means that there is no search.
            self.search
                .map_or(ParameterValue::DbNull, |search| array(search.parameter())),
            sort,
            order,
        ]
    }
}

fn flag(query: &mut Query, name: &'static str) -> Option<bool> {
    query.parsed(name, "true or false", |text| text.parse().ok())
}

fn flag_or_null(flag: Option<bool>) -> ParameterValue {
    flag.map_or(ParameterValue::DbNull, ParameterValue::Boolean)
}

/// An empty list filters nothing, so it is null.
fn list(values: Vec<String>) -> ParameterValue {
    if values.is_empty() {
        ParameterValue::DbNull
    } else {
        array(values)
    }
}

/// Takes a parameter whose values are names from a fixed list, see [`Query::listed`].
fn names(query: &mut Query, name: &'static str, known: &[&str]) -> Vec<String> {
    let names = query.listed(name);
    if names.len() > MAX_VALUES {
        query.fault(name, &format!("may have up to {MAX_VALUES} values"));
    } else if names.iter().any(|name| !known.contains(&name.as_str())) {
        query.fault(name, &format!("must be of {}", known.join(", ")));
    }
    names
}

fn tags(query: &mut Query, name: &'static str) -> Vec<String> {
    let tags = query.all(name);
    if tags.len() > MAX_VALUES {
        query.fault(name, &format!("may occur up to {MAX_VALUES} times"));
    } else if tags
        .iter()
        .any(|tag| tag::parse("", Json::Text(tag.clone())).is_err())
    {
        query.fault(name, "must be a tag of 1 to 64 characters");
    }
    tags
}

/// Takes the ends of all ranges of times. `due_on` gives both ends of the range of due dates.
fn times(query: &mut Query) -> [Option<String>; TIMES.len()] {
    let mut times = TIMES.map(|name| time(query, name));
    let expected =
        "a date like 2026-03-01, today, tomorrow, yesterday, or `next 7 days` with 1 to 366 days";
    let due_on = query.parsed("due_on", expected, day::around);
    if let Some([before, after]) = due_on {
        let [due_after, due_before, ..] = &mut times;
        if due_after.is_some() || due_before.is_some() {
            query.fault(
                "due_on",
                "cannot be combined with `due_after` or `due_before`",
            );
        }
        *due_after = Some(before.to_string());
        *due_before = Some(after.to_string());
    }
    times
}

fn time(query: &mut Query, name: &'static str) -> Option<String> {
    let expected = "a time like 2026-03-01T08:00:00Z, a date, today, tomorrow or yesterday";
    query.parsed(name, expected, |text| {
        if let Some(day) = Day::parse(text) {
            return Some(day.to_string());
        }
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
    fn invalid_parameters_are_refused() {
        for bad in [
            "status=done",
            "status=open,",
            "priority=1",
            "tag=",
            "overdue=1",
            "deleted=1",
            "count=yes",
            "due_before=soon",
            "due_after=2026-02-30",
            "due_after=2100-01-01",
            "due_on=2026-03-01T00:00:00Z",
            "due_on=today&due_after=today",
            "series_id=1",
            "updated_after=",
            "created_before=next week",
            "completed_after=2026-3-1",
            "due=tomorrow",
            "q=%20",
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
        assert_eq!(describe(""), describe("count=true"));
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
            "due_on=today",
            "deleted=true",
            "sort=created_at,title",
        ] {
            assert_ne!(describe(""), describe(other), "{other}");
        }
        assert_ne!(describe("tag=a"), describe("tag_any=a"));
    }
}
