//! Full-text search: matches, their order, highlights, folding of text, and robustness against any query.

mod found;
mod languages;
mod shown;
mod texts;
mod vectors;

pub use found::{
    any_script, best_match_first, changed_tasks_are_found, pages_of_equal_matches,
    words_and_phrases,
};
pub use languages::{
    apostrophes_and_invisible_characters, names_with_signs, symbols, vowel_signs_and_variants,
    words_with_punctuation,
};
pub use shown::{any_query_is_accepted, highlights};
pub use texts::{
    late_in_a_long_text, long_fragments, many_matches, or_is_an_operator_in_capitals,
    phrases_in_one_field,
};
pub use vectors::words_in_sql;
