//! Search by text: what it finds, in which order, and how that is shown.

mod found;
mod shown;

pub use found::{
    any_script, changes_are_found, pages_of_equals, the_best_match_first, words_and_phrases,
};
pub use shown::{highlights, nothing_is_too_odd};
