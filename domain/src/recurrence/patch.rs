//! A recurrence in a merge patch (RFC 7396), and the parts of a recurrence that a series gives its tasks.

use uuid::Uuid;

use super::Recurrence;
use super::rule::Rule;
use crate::due::Due;
use crate::json::{Fault, Json};

/// A recurrence in a request that changes a task.
#[derive(Clone, Debug, PartialEq)]
pub enum RecurrencePatch {
    /// A complete recurrence, which replaces the current one.
    Whole(Box<Recurrence>),
    /// An object whose members change the current recurrence, see [`Recurrence::merge`].
    Part(Json),
}

impl RecurrencePatch {
    /// Parses a recurrence of a patch. Only the merge with the current one tells whether it is valid.
    ///
    /// # Errors
    /// One fault at `pointer` if it is no object.
    pub fn parse(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        match value {
            object @ Json::Object(_) => Ok(Self::Part(object)),
            other => {
                let detail = format!("must be an object or null, not {}", other.kind());
                Err(vec![Fault::new(pointer, detail)])
            }
        }
    }
}

impl Recurrence {
    /// The recurrence from a later occurrence on: of COUNT, those before it are taken off. One is left at least.
    #[must_use]
    pub fn without_first(self, earlier: i64) -> Self {
        let Some(count) = self.rule.count else {
            return self;
        };
        let left = (i64::from(count) - earlier).max(1);
        let rule = Rule {
            count: u32::try_from(left).ok(),
            ..self.rule
        };
        Self {
            text: rule.to_string(),
            rule,
            ..self
        }
    }

    /// The definition for a change that leaves the due date as it is, so that the timezone is known only if the client has chosen it.
    pub fn definition_of_change(&self, due: Option<&Due>) -> String {
        match due {
            Some(due) => self.definition(due),
            None => self.definition_in(self.timezone),
        }
    }
}

/// The id of the task of an occurrence: the same whoever makes it, and however often.
pub fn occurrence_id(series: Uuid, key: &str) -> Uuid {
    Uuid::new_v5(&series, key.as_bytes())
}
