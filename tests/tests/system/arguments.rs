//! The command line. Like Rust's own test harness it takes several filters; libtest-mimic takes one.

use libtest_mimic::Arguments;

/// Options of libtest-mimic whose value is the next argument, unless it follows after `=`.
const OPTIONS_WITH_VALUE: [&str; 6] = [
    "--test-threads",
    "--logfile",
    "--skip",
    "--color",
    "--format",
    "-Z",
];

/// The filters of the command line.
pub struct Filters {
    filters: Vec<String>,
    exact: bool,
}

impl Filters {
    /// Whether a test is to run: its name contains a filter (equals it, with `--exact`), or there is no filter.
    pub fn select(&self, name: &str) -> bool {
        let matches = |filter: &String| {
            if self.exact {
                name == filter
            } else {
                name.contains(filter)
            }
        };
        self.filters.is_empty() || self.filters.iter().any(matches)
    }
}

/// Separates the filters from the options, which libtest-mimic parses. The first argument is the program's name.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> (Arguments, Filters) {
    let mut arguments = arguments.into_iter();
    let mut options: Vec<String> = arguments.next().into_iter().collect();
    let mut filters = Vec::new();
    while let Some(argument) = arguments.next() {
        if !argument.starts_with('-') {
            filters.push(argument);
            continue;
        }
        let takes_value = OPTIONS_WITH_VALUE.contains(&argument.as_str());
        options.push(argument);
        if takes_value {
            options.extend(arguments.next());
        }
    }
    let options = Arguments::from_iter(options);
    let exact = options.exact;
    (options, Filters { filters, exact })
}
