//! The program without a server: arguments, exit codes, what it prints, and that its documentation is right.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

/// A device whose session has ended, so that it works offline alone.
struct Device(PathBuf);

impl Device {
    fn new() -> Self {
        Self::with_tokens(&Value::Null)
    }

    fn with_tokens(tokens: &Value) -> Self {
        let device = Self(std::env::temp_dir().join(format!("spindle-cli-{}", Uuid::now_v7())));
        std::fs::create_dir_all(&device.0).unwrap();
        let session = json!({"server": "http://127.0.0.1:9/", "live": "http://127.0.0.1:9/", "user": Uuid::nil(),
            "email": "ada@example.com", "tokens": tokens});
        std::fs::write(device.0.join("session.json"), session.to_string()).unwrap();
        device
    }

    fn run(&self, arguments: &[&str]) -> Output {
        program(arguments)
            .env("SPINDLE_HOME", &self.0)
            .output()
            .unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Expects a failure, and returns what it says.
    fn fails(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        text(&output.stderr)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spindle"));
    command
        .args(arguments)
        .env_remove("NO_COLOR")
        .env("TZ", "UTC");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_day_offline() {
    let device = Device::new();
    let added = device.json(&[
        "add",
        "Pay rent",
        "--due",
        "2090-12-01",
        "--every",
        "month",
        "--tag",
        "home",
        "--priority",
        "high",
        "--remind",
        "1d",
    ]);
    let shape = json!({"number": 1, "pending": true, "title": "Pay rent", "status": "open", "priority": "high", "tags": ["home"],
        "due": {"date": "2090-12-01"}, "recurrence": {"unit": "month", "every": 1}, "reminders": [{"before": "P1D"}],
        "deleted_at": null, "version": 0, "seq": 0});
    for (name, value) in shape.as_object().unwrap() {
        assert_eq!(&added[name], value, "{name}: {added}");
    }
    device.json(&[
        "add",
        "Sooner",
        "--due",
        "2090-11-01T09:00",
        "--timezone",
        "Europe/Berlin",
    ]);
    device.json(&["add", "Café", "--description", "with Bob"]);
    device.json(&["add", "Late", "--due", "2020-01-01"]);
    let titles = |arguments: &[&str]| -> Vec<String> {
        let listed = device.json(&[&["list"], arguments].concat());
        listed
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task["title"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(titles(&[]), ["Late", "Sooner", "Pay rent", "Café"]);
    assert_eq!(titles(&["--overdue"]), ["Late"]);
    assert_eq!(
        titles(&["--due-before", "2090-11-01T08:01Z"]),
        ["Late", "Sooner"]
    );
    assert_eq!(titles(&["--due-after", "2090-11-02"]), ["Pay rent"]);
    assert_eq!(titles(&["--search", "CAFE bob"]), ["Café"]);
    assert_eq!(
        titles(&["--tag", "Home", "--priority", "high"]),
        ["Pay rent"]
    );
    assert_eq!(titles(&["--limit", "1"]), ["Late"]);
    device.json(&["done", "4", "3"]);
    device.json(&["rm", "2"]);
    assert_eq!(titles(&[]), ["Pay rent"]);
    assert_eq!(titles(&["--status", "completed"]), ["Late", "Café"]);
    assert_eq!(titles(&["--deleted"]), ["Sooner"]);
    // The number of an open task stays.
    assert_eq!(device.json(&["show", "1"])["title"], "Pay rent");
    let id = added["id"].as_str().unwrap();
    assert_eq!(device.json(&["show", id])["title"], "Pay rent");
    assert_eq!(
        device.json(&["edit", "1", "--untag", "home", "--no-due", "--no-every"])["tags"],
        json!([])
    );
    let exported = device.json(&["export"]);
    assert_eq!(exported["tasks"].as_array().unwrap().len(), 4);
    let lines = text(&device.run(&["export", "--format", "ndjson"]).stdout);
    assert_eq!(
        lines
            .lines()
            .filter(|line| line.contains("\"kind\":\"task\""))
            .count(),
        4
    );
    let said = text(&device.run(&["add", "More"]).stderr);
    assert!(
        said.contains("saved here; will be sent at the next sync"),
        "{said}"
    );
}

#[test]
fn failures_have_codes_and_say_what_to_do() {
    let device = Device::new();
    device.json(&["add", "One"]);
    for (arguments, code, part) in [
        (&["add"][..], 2, "<TITLE>"),
        (&["add", " "], 2, "the title must not be blank"),
        (
            &["add", "x", "--due", "soon"],
            2,
            "--due must be a day (2026-12-01)",
        ),
        (
            &["add", "x", "--priority", "top"],
            2,
            "--priority must be one of low",
        ),
        (&["add", "x", "--every", "week"], 2, "--due is required"),
        (
            &["add", "x", "--due", "2026-12-01", "--every", "FREQ=NEVER"],
            2,
            "--every",
        ),
        (
            &[
                "add",
                "x",
                "--due",
                "2026-12-01T09:00",
                "--timezone",
                "Mars",
            ],
            2,
            "--timezone must be",
        ),
        (
            &["list", "--status", "done"],
            2,
            "--status must be one of open",
        ),
        (&["edit", "1"], 2, "nothing to change"),
        (&["done", "7"], 1, "there is no task 7"),
        (&["done", "1", "7"], 1, "there is no task 7"),
        (&["skip", "1"], 1, "does not repeat"),
        (&["restore", "1"], 1, "not deleted"),
        (&["sync"], 3, "spindle login"),
        (&["sync", "--offline"], 2, "needs the server"),
        (&["login", "--offline"], 2, "needs the server"),
        (&["logout"], 1, "1 change not sent yet"),
        (&["logout"], 1, "spindle sync"),
    ] {
        let said = device.fails(arguments, code);
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    let said = device.fails(&["done", "7", "--json"], 1);
    let error: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(error["error"]["code"], "refused");
    // None of them has changed anything.
    assert_eq!(device.json(&["list"]).as_array().unwrap().len(), 1);
    assert_eq!(device.json(&["undo"])[0]["title"], "One");
    assert!(device.fails(&["undo"], 1).contains("nothing to undo"));
}

/// As `watch | head -1` does: the reader is gone, and the next line ends the program.
#[test]
fn a_reader_that_has_read_enough_ends_the_program() {
    let tokens = json!({"access_token": "a", "refresh_token": "r", "ends_at": u64::MAX});
    let device = Device::with_tokens(&tokens);
    for arguments in [&["watch"][..], &["watch", "--json"]] {
        let mut watch = program(arguments)
            .env("SPINDLE_HOME", &device.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(watch.stdout.take());
        let started = Instant::now();
        while watch.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_secs(20) {
            device.json(&["add", "One", "--offline"]);
        }
        let _ = watch.kill();
        let output = watch.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        let said = text(&output.stderr);
        assert!(!said.contains("error:"), "{said}");
    }
}

/// Also of a folder that was there, and of files with the rights of the umask.
#[test]
fn nobody_else_can_read_the_folder() {
    let device = Device::new();
    let rights = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let modes = || {
        let files = std::fs::read_dir(&device.0).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let modes = paths.chain([device.0.clone()]).map(|path| {
            let mode = path.metadata().unwrap().permissions().mode();
            (path, mode & 0o777)
        });
        modes.collect::<Vec<_>>()
    };
    rights(&device.0, 0o775);
    rights(&device.0.join("session.json"), 0o644);
    device.json(&["add", "One"]);
    let check = || {
        for (path, mode) in modes() {
            let expected = if path == device.0 { 0o700 } else { 0o600 };
            assert_eq!(mode, expected, "{}: {mode:o}", path.display());
        }
    };
    check();
    for (path, mode) in modes() {
        rights(&path, mode | 0o044);
    }
    device.json(&["list"]);
    check();
}

#[test]
fn colours_are_for_terminals() {
    let device = Device::new();
    device.json(&["add", "One", "--tag", "home"]);
    let plain = text(&device.run(&["list"]).stdout);
    assert!(
        plain.contains("One  #home") && !plain.contains('\u{1b}'),
        "{plain:?}"
    );
    let coloured = text(&device.run(&["list", "--color", "always"]).stdout);
    assert!(coloured.contains("\u{1b}["), "{coloured:?}");
}

#[test]
fn every_command_has_help_and_can_be_completed() {
    let script = text(&program(&["completions", "bash"]).output().unwrap().stdout);
    for command in commands() {
        let help = text(&program(&[&command, "--help"]).output().unwrap().stdout);
        assert!(help.contains("Usage: spindle"), "{command}: {help}");
        assert!(script.contains(&command), "{command}");
    }
}

/// The commands that the help lists.
fn commands() -> Vec<String> {
    let help = text(&program(&["--help"]).output().unwrap().stdout);
    let list = help
        .split("Commands:\n")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    let names = list
        .lines()
        .map(|line| line.split_whitespace().next().unwrap().to_owned());
    names.filter(|name| name != "help").collect()
}

/// Each command and flag in docs/cli.md exists, and each command is there.
#[test]
fn the_documentation_is_right() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let text_of = std::fs::read_to_string(path).unwrap();
    let commands = commands();
    let mut seen = Vec::new();
    for line in text_of
        .lines()
        .filter_map(|line| line.strip_prefix("$ spindle "))
    {
        let mut words = line.split_whitespace();
        let command = words.next().unwrap();
        assert!(commands.iter().any(|known| known == command), "{line}");
        let help = text(&program(&[command, "--help"]).output().unwrap().stdout);
        for flag in words
            .take_while(|word| *word != "|" && *word != "#")
            .filter(|word| word.starts_with("--"))
        {
            assert!(help.contains(flag), "{flag} in: {line}");
        }
        seen.push(command);
    }
    for command in &commands {
        assert!(
            seen.contains(&command.as_str()),
            "docs/cli.md does not mention {command}"
        );
    }
}
