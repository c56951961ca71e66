//! Runs test programs concurrently: selects their tests, limits programs and threads, and collects the results.

use std::fmt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::{Mutex, Semaphore};

use super::programs::Program;
use crate::commands::group::Group;

/// Number of test programs that run concurrently: one more than the two cores of the machine that runs the gate, because most
/// tests wait most of the time.
const AT_ONCE: usize = 3;

/// Number of tests above which the system tests of one event log are two jobs, each with a system of its own: they run one after
/// the other in a system, and would run alone at the end.
const SYSTEM_TESTS: usize = 40;

/// A run of one test program.
pub struct Job {
    pub program: Program,
    /// Its name in the output.
    name: String,
    /// The tests to run.
    tests: Vec<String>,
}

/// The result of a run.
pub struct Outcome {
    name: String,
    took: Duration,
    pub passed: u32,
    pub failed: u32,
    pub success: bool,
    pub failures: Vec<Failure>,
}

/// A test that failed.
#[derive(Debug, PartialEq)]
pub struct Failure {
    pub test: String,
    /// The last paragraph that it printed: its error.
    pub error: String,
}

/// Selects the tests to run. A test is selected if its package is in `packages` and its name contains one of `filters`; an
/// empty list selects all. Unit tests come first, because they are quick, and then the programs that take longest.
pub fn select(programs: Vec<Program>, packages: &[String], filters: &[String]) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for program in programs {
        if !packages.is_empty() && !packages.contains(&program.package) {
            continue;
        }
        let mut tests = program.tests()?;
        tests.retain(|test| {
            filters.is_empty() || filters.iter().any(|filter| test.contains(filter.as_str()))
        });
        jobs.extend(split(program, tests).into_iter().flat_map(halve));
    }
    jobs.sort_by_key(|job| (job.program.integration, order(&job.program.target)));
    Ok(jobs)
}

/// Groups the tests of a program into jobs. The system tests of each event log are a job of their own, so that both systems run
/// concurrently.
fn split(program: Program, tests: Vec<String>) -> Vec<Job> {
    let by_log = program.target == "system";
    let mut jobs: Vec<Job> = Vec::new();
    for test in tests {
        let part = test.split("::").next().filter(|_| by_log);
        let name = match (part, program.integration) {
            (Some(part), _) => format!("{} {part}", program.target),
            (None, true) => format!("{} {}", program.package, program.target),
            (None, false) => format!("{} units", program.package),
        };
        match jobs.iter_mut().find(|job| job.name == name) {
            Some(job) => job.tests.push(test),
            None => jobs.push(Job {
                program: program.clone(),
                name,
                tests: vec![test],
            }),
        }
    }
    jobs
}

/// Makes two jobs of a job with many system tests. Neighbouring tests go to different jobs, because they often take equally long.
fn halve(job: Job) -> Vec<Job> {
    if job.program.target != "system" || job.tests.len() <= SYSTEM_TESTS {
        return vec![job];
    }
    let halves = [0, 1].map(|first| Job {
        program: job.program.clone(),
        name: format!("{} {}/2", job.name, first + 1),
        tests: job.tests.iter().skip(first).step_by(2).cloned().collect(),
    });
    halves.into()
}

/// The rank of a program. The longest programs start first, so that none of them runs alone at the end.
fn order(target: &str) -> usize {
    let longest = ["system", "bridge", "audit", "dev", "host"];
    let place = longest.iter().position(|name| *name == target);
    place.unwrap_or(longest.len())
}

/// Number of tests of a program that run concurrently: many if they mostly wait for timeouts and servers, one if they share a
/// system.
fn threads(program: &Program) -> usize {
    match program.target.as_str() {
        "system" => 1,
        "audit" => 6,
        _ => 4,
    }
}

/// Runs all jobs. Returns the results by duration, the longest first.
pub async fn run(jobs: Vec<Job>, environment: &[(&'static str, String)]) -> Result<Vec<Outcome>> {
    let permits = Semaphore::new(AT_ONCE);
    let runs = jobs.iter().map(async |job| {
        let _permit = permits.acquire().await?;
        run_one(job, environment).await
    });
    let mut outcomes = try_join_all(runs).await?;
    outcomes.sort_by_key(|outcome| std::cmp::Reverse(outcome.took));
    Ok(outcomes)
}

async fn run_one(job: &Job, environment: &[(&'static str, String)]) -> Result<Outcome> {
    let started = Instant::now();
    let mut child = Command::new(&job.program.executable)
        .arg("--exact")
        .args(&job.tests)
        .args(["--test-threads", &threads(&job.program).to_string()])
        .current_dir(&job.program.folder)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("starting {}", job.program.executable.display()))?;
    let _group = Group::of(&child);
    let output = Output::new(&job.name);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    tokio::try_join!(output.follow(stdout), output.follow(stderr))?;
    let status = child.wait().await?;
    let (passed, failed) = output.counts().await;
    let outcome = Outcome {
        name: job.name.clone(),
        took: started.elapsed(),
        passed,
        failed,
        success: status.success(),
        failures: failures(&output.lines().await),
    };
    if !outcome.success {
        println!(
            "\n{} failed ({status}); it printed:\n{}\n",
            job.name,
            output.lines().await.join("\n")
        );
    }
    Ok(outcome)
}

/// The output of a running program. A line for each passed test is shown at once, and the rest only if the program fails.
struct Output {
    name: String,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Output {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            lines: Arc::default(),
        }
    }

    async fn follow(&self, stream: Option<impl AsyncRead + Unpin>) -> Result<()> {
        let Some(stream) = stream else { return Ok(()) };
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Some(line) = lines.next_segment().await? {
            let line = String::from_utf8_lossy(&line).into_owned();
            match line
                .strip_prefix("test ")
                .and_then(|rest| rest.strip_suffix(" ok"))
            {
                Some(test) => println!("{:20} {test} ok", self.name),
                None => self.lines.lock().await.push(line),
            }
        }
        Ok(())
    }

    /// How many tests passed and failed, from the last line of the test program.
    async fn counts(&self) -> (u32, u32) {
        let lines = self.lines.lock().await;
        let closing = lines
            .iter()
            .rev()
            .find(|line| line.starts_with("test result: "));
        let count = |what: &str| {
            let parts: Vec<&str> = closing?.split([' ', ';', '.']).collect();
            let place = parts.iter().position(|part| *part == what)?;
            parts.get(place.checked_sub(1)?)?.parse().ok()
        };
        (count("passed").unwrap_or(0), count("failed").unwrap_or(0))
    }

    async fn lines(&self) -> Vec<String> {
        self.lines.lock().await.clone()
    }
}

/// The tests that failed, from the output of a test program: each has a part that begins with its name in dashes.
fn failures(output: &[String]) -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut lines = output.iter().map(|line| line.trim_end()).peekable();
    while let Some(line) = lines.next() {
        let Some(title) = line
            .strip_prefix("---- ")
            .and_then(|line| line.strip_suffix(" ----"))
        else {
            continue;
        };
        let mut paragraphs = vec![Vec::new()];
        while let Some(line) =
            lines.next_if(|line| !line.starts_with("---- ") && *line != "failures:")
        {
            match paragraphs.last_mut() {
                Some(last) if !line.is_empty() => last.push(line),
                _ => paragraphs.push(Vec::new()),
            }
        }
        let error = paragraphs.into_iter().rfind(|lines| !lines.is_empty());
        let error: Vec<&str> = error
            .into_iter()
            .flatten()
            .take_while(|line| *line != "stack backtrace:")
            .collect();
        failures.push(Failure {
            test: title.strip_suffix(" stdout").unwrap_or(title).to_owned(),
            error: error.join("\n"),
        });
    }
    failures
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f32();
        let verdict = if self.success { "ok" } else { "FAILED" };
        write!(
            f,
            "{seconds:8.1} s  {:4} passed  {:2} failed  {verdict:6}  {}",
            self.passed, self.failed, self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_the_name_and_the_error_of_its_test() {
        let output = "\
failures:

---- kafka::redis_stops ----
the last lines that our programs logged:
/tmp/bridge.log

a client: still waiting


---- tests::adds stdout ----

thread 'tests::adds' panicked at src/lib.rs:1:
assertion failed
  left: 1
 right: 2
stack backtrace:
   0: __rustc::rust_begin_unwind

failures:
    kafka::redis_stops
    tests::adds

test result: FAILED. 0 passed; 2 failed";
        let failure = |test: &str, error: &str| Failure {
            test: test.to_owned(),
            error: error.to_owned(),
        };
        let lines: Vec<String> = output.lines().map(str::to_owned).collect();
        assert_eq!(
            failures(&lines),
            [
                failure("kafka::redis_stops", "a client: still waiting"),
                failure(
                    "tests::adds",
                    "thread 'tests::adds' panicked at src/lib.rs:1:\nassertion failed\n  left: 1\n right: 2"
                ),
            ]
        );
    }
}
