//! The query parameter `scope`: which occurrences of a series a request is for.

use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::request::Request;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One occurrence alone.
    This,
    /// An occurrence and those to come.
    Future,
    /// All occurrences that are open or to come. Occurrences that are done stay as they are.
    All,
}

impl Scope {
    const NAMES: [(&str, Self); 3] = [
        ("this", Self::This),
        ("future", Self::Future),
        ("all", Self::All),
    ];

    /// Reads the parameter, the only one of the request.
    ///
    /// # Errors
    /// The faults of the query.
    pub fn of(request: &Request) -> Result<Option<Self>, Problem> {
        let mut query = Query::of(request);
        let scope = query.parsed("scope", "this, future or all", |text| {
            let found = Self::NAMES.iter().find(|(name, _)| *name == text);
            found.map(|(_, scope)| *scope)
        });
        query.finish()?;
        Ok(scope)
    }

    /// The name in requests and SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::This => "this",
            Self::Future => "future",
            Self::All => "all",
        }
    }
}
