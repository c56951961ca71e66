//! Two changes of one text, merged by lines.

/// The most lines of a text that is merged. The time for a merge grows with the square of the number of lines.
const MOST_LINES: usize = 1_000;

/// Merges `theirs` and `yours`, which are both changes of `base`. `None` if they have changed the same lines, or have too many lines.
pub fn merge_lines(base: &str, theirs: &str, yours: &str) -> Option<String> {
    let is_long = |text: &&str| text.lines().count() > MOST_LINES;
    if [base, theirs, yours].iter().any(is_long) {
        return None;
    }
    diffy::merge(base, theirs, yours).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_different_lines_are_merged() {
        let merged = merge_lines(
            "one\ntwo\nthree",
            "ONE\ntwo\nthree",
            "one\ntwo\nTHREE\nfour",
        );
        assert_eq!(merged.as_deref(), Some("ONE\ntwo\nTHREE\nfour"));
        let merged = merge_lines("one\ntwo\n", "zero\none\ntwo\n", "one\ntwo\nthree\n");
        assert_eq!(merged.as_deref(), Some("zero\none\ntwo\nthree\n"));
        assert_eq!(merge_lines("a", "b", "b").as_deref(), Some("b"));
    }

    #[test]
    fn changes_of_the_same_line_are_a_conflict() {
        assert_eq!(merge_lines("one\ntwo", "one\n2", "one\nII"), None);
        assert_eq!(merge_lines("", "theirs", "yours"), None);
    }

    #[test]
    fn long_texts_are_a_conflict() {
        let long = "\n".repeat(MOST_LINES + 1);
        assert_eq!(merge_lines(&long, &long, "yours"), None);
    }
}
