//! The statements by which the API lists and searches tasks, with their parameters, for benchmarks and for tests of query plans.

use anyhow::Result;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

const LIST: &str = include_str!("../../functions/api/src/tasks/list.sql");
const SEARCH: &str = include_str!("../../functions/api/src/tasks/search.sql");

/// A rate as the API counts it (functions/api/src/rate.rs), of more than anybody asks.
pub fn rate(policy: &str, who: &dyn std::fmt::Display) -> Vec<String> {
    [format!("{policy}/{who}").as_str(), "1000000", "1", "1"]
        .map(str::to_owned)
        .to_vec()
}

/// The parameters of either statement; `None` filters nothing. `sort` is `relevance` for a search by the best match.
#[derive(Debug, Default, Clone)]
pub struct TaskList {
    pub user: String,
    pub status: Option<Vec<&'static str>>,
    pub priority: Option<Vec<&'static str>>,
    pub tag: Option<Vec<&'static str>>,
    pub tag_any: Option<Vec<&'static str>>,
    pub due_before: Option<&'static str>,
    pub due_after: Option<&'static str>,
    pub overdue: Option<bool>,
    pub series: Option<&'static str>,
    pub updated_after: Option<&'static str>,
    pub terms: Option<Vec<String>>,
    pub sort: &'static str,
    pub descending: bool,
    /// Key and id of the row that the page follows.
    pub key: Option<String>,
    pub id: Option<String>,
    pub limit: i64,
    /// What the request counts against; `of` fills it in.
    pub rate: Vec<String>,
}

impl TaskList {
    /// The first page of 50, the newest first, which is what is listed unless something else is asked for.
    #[must_use]
    pub fn newest() -> Self {
        Self {
            sort: "created_at",
            descending: true,
            limit: 50,
            ..Self::default()
        }
    }

    /// The best matches of these terms, each with its kind before it.
    #[must_use]
    pub fn search(terms: &[&str]) -> Self {
        Self {
            terms: Some(terms.iter().map(|&term| term.to_owned()).collect()),
            sort: "relevance",
            ..Self::newest()
        }
    }

    /// The same of this user, counted like a request of the API.
    #[must_use]
    pub fn of(self, user: impl Into<String>) -> Self {
        let user = user.into();
        let rate = rate("read", &user);
        Self { user, rate, ..self }
    }

    #[must_use]
    pub fn statement(&self) -> &'static str {
        if self.sort == "relevance" {
            SEARCH
        } else {
            LIST
        }
    }

    #[must_use]
    pub fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
            &self.user,
            &self.status,
            &self.priority,
            &self.tag,
            &self.tag_any,
            &self.due_before,
            &self.due_after,
            &self.overdue,
            &self.series,
            &self.updated_after,
            &self.terms,
        ];
        if self.sort != "relevance" {
            parameters.push(&self.sort);
        }
        let page: [&(dyn ToSql + Sync); 5] = [
            &self.descending,
            &self.key,
            &self.id,
            &self.limit,
            &self.rate,
        ];
        parameters.extend(page);
        parameters
    }

    /// Sends it as Spin does, parsed and planned anew; `prefix` may be `explain …`.
    ///
    /// # Errors
    /// Where Postgres refuses it.
    pub async fn send(&self, db: &Client, prefix: &str) -> Result<Row> {
        let statement = format!("{prefix}{}", self.statement());
        Ok(db.query_one(&statement, &self.parameters()).await?)
    }
}
