//! The statement by which the API lists and searches tasks, with its parameters, for benchmarks and for tests of what it reads.

use tokio_postgres::types::ToSql;

/// The statement.
pub const STATEMENT: &str = include_str!("../../functions/api/src/tasks/list.sql");

/// The parameter for a rate limit (functions/api/src/http/rate.rs) that no test or benchmark reaches.
pub fn rate(policy: &str, who: &dyn std::fmt::Display) -> Vec<String> {
    let who = who.to_string();
    let key = format!("{policy}/{who}");
    [&key, "1000000", "1", "1", "64", &who]
        .map(str::to_owned)
        .to_vec()
}

/// The parameters of the statement; `None` filters nothing.
#[derive(Debug, Default, Clone)]
pub struct TaskList {
    pub user: String,
    pub status: Option<Vec<&'static str>>,
    pub priority: Option<Vec<&'static str>>,
    pub tag: Option<Vec<&'static str>>,
    pub tag_any: Option<Vec<&'static str>>,
    /// See `p_times` of the SQL function `task_page`; empty for no ranges.
    pub times: Vec<Option<&'static str>>,
    pub overdue: Option<bool>,
    pub has_due: Option<bool>,
    pub series: Option<&'static str>,
    pub deleted: bool,
    pub terms: Option<Vec<String>>,
    pub sort: Vec<&'static str>,
    pub order: Vec<&'static str>,
    /// Sort keys, as a text array, and id of the row that the page follows.
    pub keys: Option<String>,
    pub id: Option<String>,
    pub limit: i64,
    pub count: bool,
    /// The rate limit to charge; [`Self::of`] sets it.
    pub rate: Vec<String>,
}

impl TaskList {
    /// The default request: the first page of 50 tasks, the newest first.
    #[must_use]
    pub fn newest() -> Self {
        Self {
            sort: vec!["created_at"],
            order: vec!["desc"],
            limit: 50,
            ..Self::default()
        }
    }

    /// The tasks that match these terms best. Each term starts with its kind, such as `+` for a whole word and `*` for a prefix.
    #[must_use]
    pub fn search(terms: &[&str]) -> Self {
        Self {
            terms: Some(terms.iter().map(|&term| term.to_owned()).collect()),
            sort: vec!["relevance"],
            ..Self::newest()
        }
    }

    /// The same request by this user, with a rate limit to charge.
    #[must_use]
    pub fn of(self, user: impl Into<String>) -> Self {
        let user = user.into();
        let rate = rate("read", &user);
        Self { user, rate, ..self }
    }

    #[must_use]
    pub fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![
            &self.user,
            &self.status,
            &self.priority,
            &self.tag,
            &self.tag_any,
            &self.times,
            &self.overdue,
            &self.has_due,
            &self.series,
            &self.deleted,
            &self.terms,
            &self.sort,
            &self.order,
            &self.keys,
            &self.id,
            &self.limit,
            &self.count,
            &self.rate,
        ]
    }
}
