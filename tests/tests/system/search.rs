//! Full-text search: matches, their order, highlights, folding of text, and robustness against any query.

mod found;
mod shown;
mod vectors;

pub use found::{
    any_script, best_match_first, changed_tasks_are_found, pages_of_equal_matches,
    words_and_phrases,
};
pub use shown::{any_query_is_accepted, highlights};
pub use vectors::fold_vectors;
