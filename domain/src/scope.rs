//! Which occurrences of a series a request is for.

use crate::text_enum::text_enum;

text_enum!(
    /// Which occurrences of a series a request is for: one alone, one and those to come, or all that are open or to come. Occurrences
    /// that are done stay as they are.
    Scope {
        This = "this",
        Future = "future",
        All = "all",
    }
);
