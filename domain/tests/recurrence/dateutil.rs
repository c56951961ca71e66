//! 5,000 random rules, expanded by python-dateutil and by us. `oracle.py` lists where dateutil was asked for another reading.

use crate::{Case, utc, wall};

/// How many occurrences of a case the file has at most.
const SHOWN: usize = 10;

#[test]
fn dateutil_agrees() {
    let cases = Case::all();
    assert_eq!(cases.len(), 5000);
    let mut wrong = Vec::new();
    for case in &cases {
        let series = case.series("fixed", "omit");
        let end = wall(&case.end);
        let found = series
            .coming(None)
            .take_while(|next| wall(&next.key) <= end);
        let found: Vec<_> = found
            .take(SHOWN)
            .map(|next| match case.is_date() {
                true => wall(&next.key).and_utc(),
                false => next.due_at,
            })
            .collect();
        let expected: Vec<_> = case.answers.iter().map(|seconds| utc(*seconds)).collect();
        if found != expected {
            wrong.push(format!("{} from {} in {} (exdates {:?}, rdates {:?}):\n    dateutil {expected:?}\n    we       {found:?}",
                case.rule, case.start, case.zone, case.exdates, case.rdates));
        }
    }
    let shown = wrong
        .iter()
        .take(20)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{shown}",
        wrong.len(),
        cases.len()
    );
}
