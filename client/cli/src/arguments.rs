//! The arguments of `spindle`. Their comments are its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  spindle login https://tasks.example.org
  spindle add \"Pay rent\" --due 2026-12-01 --every month --tag home --priority high
  spindle list --tag home
  spindle done 3
  spindle undo
  spindle watch

TASK is the number that `spindle list` prints, or an id or its beginning. A task keeps its number while it is open.

Exit codes: 0 done, 1 refused, 2 wrong arguments, 3 not signed in, 4 the server is needed and cannot be reached.
What works offline is saved here and sent later; that is no failure.";

/// Tasks on the command line, offline and online
#[derive(Debug, Parser)]
#[command(name = "spindle", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Arguments {
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Do not talk to the server
    #[arg(long, global = true)]
    pub offline: bool,
    /// The folder of the local copy and the tokens [default: $XDG_STATE_HOME/spindle]
    #[arg(
        long,
        global = true,
        env = "SPINDLE_HOME",
        value_name = "FOLDER",
        hide_env_values = true
    )]
    pub home: Option<PathBuf>,
    /// When to use colours; NO_COLOR turns them off, too
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in to a server, and fetch the tasks
    #[command(
        after_help = "Examples:\n  spindle login https://tasks.example.org --email ada@example.com\n  pass spindle | spindle login --password-stdin\n  spindle login http://127.0.0.1:3000 --live http://127.0.0.1:3002     # a server of `cargo dev up`"
    )]
    Login(Login),
    /// Sign out, and remove the local copy
    Logout {
        /// Also if changes were not sent; they are lost then
        #[arg(long)]
        force: bool,
    },
    /// Add a task
    #[command(
        after_help = "Examples:\n  spindle add \"Water the plants\"\n  spindle add \"Pay rent\" --due 2026-12-01 --every month --remind 1d\n  spindle add \"Call Bob\" --due 2026-12-01T15:00 --timezone Europe/Berlin --remind 30m --tag work"
    )]
    Add(Add),
    /// List tasks by due date
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  spindle list                       # what is open\n  spindle list --overdue --priority urgent\n  spindle list --tag home --due-before 2026-12-08\n  spindle list --status completed --search rent\n  spindle list --json | jq '.[].title'"
    )]
    List(List),
    /// Show a task with all its fields
    Show {
        #[arg(value_name = "TASK")]
        task: String,
    },
    /// Complete tasks
    #[command(after_help = "Example:\n  spindle done 3 5")]
    Done(Tasks),
    /// Reopen completed or skipped tasks
    Reopen(Tasks),
    /// Skip occurrences of recurring tasks
    Skip(Tasks),
    /// Change a task
    #[command(
        after_help = "Examples:\n  spindle edit 3 --title \"Pay the rent\" --priority urgent\n  spindle edit 3 --tag bank --untag home --no-due\n  spindle edit 3 --status in_progress"
    )]
    Edit(Edit),
    /// Let recurring tasks make no further occurrences until `resume`
    Pause(Tasks),
    /// Let paused tasks recur again
    Resume(Tasks),
    /// Let the reminders of a task that have fired fire again later
    #[command(
        after_help = "Examples:\n  spindle snooze 3 10m\n  spindle snooze 3 2026-12-01T09:00"
    )]
    Snooze {
        #[arg(value_name = "TASK")]
        task: String,
        /// 10m, 2h, 1d or 1w from now on, or a time
        #[arg(value_name = "WHEN")]
        until: String,
    },
    /// Acknowledge the reminders of tasks that have fired, so that they do not repeat
    Ack(Tasks),
    /// Delete tasks; `restore` brings them back for 30 days
    #[command(
        visible_alias = "delete",
        after_help = "Examples:\n  spindle rm 3\n  spindle rm 3 --scope all     # the whole series"
    )]
    Rm {
        #[command(flatten)]
        tasks: Tasks,
        /// Which occurrences of a recurring task
        #[arg(long, value_enum)]
        scope: Option<Which>,
    },
    /// Bring deleted tasks back
    #[command(after_help = "Example:\n  spindle list --deleted && spindle restore 7")]
    Restore(Tasks),
    /// Take back the last command that changed tasks; again for the one before
    Undo,
    /// Show changes as they happen, until Ctrl-C
    Watch,
    /// Send what waits, and fetch what is new
    Sync,
    /// List values that lost against a later change, and changes that the server has rejected
    #[command(
        after_help = "Examples:\n  spindle conflicts\n  spindle conflicts restore 1     # the task gets the value that has lost\n  spindle conflicts dismiss       # forget what was rejected"
    )]
    Conflicts {
        #[command(subcommand)]
        action: Option<ConflictAction>,
    },
    /// Show what has happened to a task, and who did it
    History {
        #[arg(value_name = "TASK")]
        task: String,
        /// At most so many entries
        #[arg(long, default_value_t = 50, value_name = "NUMBER")]
        limit: usize,
    },
    /// Print all that is here: tasks, series, reminders, notifications, the account, and what waits to be sent
    #[command(
        after_help = "Examples:\n  spindle export > tasks.json\n  spindle export --format ndjson | grep '\"kind\":\"task\"'"
    )]
    Export {
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
    },
    /// Print a script that completes commands
    #[command(
        after_help = "Examples:\n  spindle completions bash > ~/.local/share/bash-completion/completions/spindle\n  spindle completions fish > ~/.config/fish/completions/spindle.fish"
    )]
    Completions { shell: Shell },
}

#[derive(Debug, Args)]
pub struct Login {
    /// The address of the server; the one of the last time by default
    #[arg(env = "SPINDLE_SERVER")]
    pub server: Option<String>,
    /// The address of live connections, if it is another one
    #[arg(long, value_name = "ADDRESS")]
    pub live: Option<String>,
    /// Asked for if it is not given
    #[arg(long, env = "SPINDLE_EMAIL")]
    pub email: Option<String>,
    /// Read the password from standard input, without a prompt
    #[arg(long)]
    pub password_stdin: bool,
}

#[derive(Debug, Args)]
pub struct Tasks {
    #[arg(required = true, value_name = "TASK")]
    pub tasks: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Add {
    pub title: String,
    #[command(flatten)]
    pub fields: Fields,
}

#[derive(Debug, Args)]
pub struct Edit {
    #[arg(value_name = "TASK")]
    pub task: String,
    #[arg(long)]
    pub title: Option<String>,
    #[command(flatten)]
    pub fields: Fields,
    /// Remove a tag; repeat for several
    #[arg(long, value_name = "TAG")]
    pub untag: Vec<String>,
    /// Remove the due date
    #[arg(long, conflicts_with = "due")]
    pub no_due: bool,
    /// End the recurrence
    #[arg(long, conflicts_with = "every")]
    pub no_every: bool,
    /// Remove all reminders
    #[arg(long, conflicts_with = "remind")]
    pub no_remind: bool,
    /// Which occurrences of a recurring task
    #[arg(long, value_enum)]
    pub scope: Option<Which>,
}

#[derive(Debug, Default, Args)]
pub struct Fields {
    #[arg(long, short, value_name = "TEXT")]
    pub description: Option<String>,
    /// low, medium, high or urgent
    #[arg(long, short)]
    pub priority: Option<String>,
    /// Add a tag; repeat for several
    #[arg(long, short, value_name = "TAG")]
    pub tag: Vec<String>,
    /// A day (2026-12-01), a local time (2026-12-01T09:00) or an instant (2026-12-01T08:00Z)
    #[arg(long)]
    pub due: Option<String>,
    /// The timezone of a local time, such as Europe/Berlin; by default that of the account
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// How the task repeats: day, week, 2 weeks, month, year, or a rule of RFC 5545 (FREQ=WEEKLY;BYDAY=MO,TH)
    #[arg(long, value_name = "RULE")]
    pub every: Option<String>,
    /// What follows an occurrence: fixed, catch_up or after_completion
    #[arg(long, requires = "every")]
    pub mode: Option<String>,
    /// A reminder: 30m, 2h or 1d before the task is due, `due`, or a time; repeat for several
    #[arg(long, value_name = "WHEN")]
    pub remind: Vec<String>,
    /// open, in_progress, completed or cancelled
    #[arg(long)]
    pub status: Option<String>,
}

#[derive(Debug, Args)]
pub struct List {
    /// Only with this tag; repeat for several, all of which a task has
    #[arg(long, short, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Only of this status; repeat for several [default: open and in_progress]
    #[arg(long)]
    pub status: Vec<String>,
    /// Whatever their status is
    #[arg(long, short, conflicts_with = "status")]
    pub all: bool,
    /// Only of this priority; repeat for several
    #[arg(long, short)]
    pub priority: Vec<String>,
    /// Only what was due before now
    #[arg(long)]
    pub overdue: bool,
    /// Only what is due before this day or time
    #[arg(long, value_name = "WHEN")]
    pub due_before: Option<String>,
    /// Only what is due at this day or time or later
    #[arg(long, value_name = "WHEN")]
    pub due_after: Option<String>,
    /// Only with all these words in title, description or tags
    #[arg(long, short, value_name = "WORDS")]
    pub search: Option<String>,
    /// Deleted tasks instead
    #[arg(long)]
    pub deleted: bool,
    /// At most so many tasks
    #[arg(long, value_name = "NUMBER")]
    pub limit: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub enum ConflictAction {
    /// Give a task the value back that has lost
    Restore {
        /// The number that `spindle conflicts` prints, or an id or its beginning
        conflict: String,
    },
    /// Forget the changes that the server has rejected
    Dismiss,
}

/// Which occurrences of a recurring task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    This,
    Future,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One object
    Json,
    /// One line for each thing
    Ndjson,
}
