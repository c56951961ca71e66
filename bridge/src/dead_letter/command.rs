//! `bridge dead-letters`: lists, shows, replays and discards dead letters on the command line.

use std::time::Duration;

use anyhow::{bail, ensure};
use clap::{Args, Subcommand};
use serde_json::json;

use super::store::{Action, DeadLetter, Filter, Store};
use crate::config::LogSettings;
use crate::{log, postgres};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List dead letters, oldest first.
    List {
        #[command(flatten)]
        filters: Filters,
        /// Also list dead letters that were replayed or discarded.
        #[arg(long)]
        handled: bool,
        /// Print one JSON object per line instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Print one dead letter and its event as JSON.
    Show {
        /// Id of the event.
        id: String,
    },
    /// Deliver events again, to the group that could not process them.
    ///
    /// Prints the id of each event. The audit trail records who replayed it.
    Replay(Selection),
    /// Give events up for good: they are no longer listed.
    ///
    /// Prints the id of each event. The audit trail records who discarded it.
    Discard(Selection),
}

/// Filters for dead letters; one that is not given selects all of them.
#[derive(Args, Clone, Debug)]
pub struct Filters {
    /// Topic that the event was read from, such as task-events.
    #[arg(long)]
    topic: Option<String>,
    /// Group that could not process the event, such as audit.
    #[arg(long)]
    group: Option<String>,
    /// Type of the event, such as task.created.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Id of the event.
    #[arg(long)]
    id: Option<String>,
    /// Only dead letters that are at least this old: a number and s, m, h or d, such as 90s, 15m, 2h or 3d.
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Duration>,
    /// Only dead letters that are younger than this: a number and s, m, h or d.
    #[arg(long, value_name = "AGE", value_parser = age)]
    newer_than: Option<Duration>,
}

/// Which dead letters to handle, and who does it.
#[derive(Args, Clone, Debug)]
pub struct Selection {
    #[command(flatten)]
    filters: Filters,
    /// Select every dead letter. Required if no filter is given.
    #[arg(long)]
    all: bool,
    /// Name of the operator for the audit trail.
    #[arg(long, env = "USER", default_value = "operator")]
    actor: String,
}

/// Runs one of the commands.
///
/// # Errors
/// When Postgres or the log fails, when `show` finds no dead letter, or when `replay` or `discard` is given no filter.
pub async fn run(settings: &LogSettings, command: Command) -> anyhow::Result<()> {
    let actor = match &command {
        Command::Replay(selection) | Command::Discard(selection) => selection.actor.clone(),
        Command::List { .. } | Command::Show { .. } => String::new(),
    };
    let client = postgres::connect(&settings.database_url, "bridge dead-letters").await?;
    let store = Store {
        log: log::open(settings)?,
        client,
        actor,
    };
    match command {
        Command::List {
            filters,
            handled,
            json,
        } => list(&store, &filters.filter(handled), json).await,
        Command::Show { id } => show(&store, id).await,
        Command::Replay(selection) => handle(&store, &selection, Action::Replay).await,
        Command::Discard(selection) => handle(&store, &selection, Action::Discard).await,
    }
}

async fn list(store: &Store, filter: &Filter, json: bool) -> anyhow::Result<()> {
    for letter in store.list(filter).await? {
        if json {
            println!("{}", serde_json::to_string(&letter)?);
        } else {
            let DeadLetter {
                id,
                last_at,
                topic,
                group,
                kind,
                attempts,
                error,
                handled,
                ..
            } = letter;
            let handled = handled
                .map(|action| format!(" [{action}]"))
                .unwrap_or_default();
            println!(
                "{id}  {last_at}  {topic} -> {group}  {kind}  {attempts} attempts{handled}: {error}"
            );
        }
    }
    Ok(())
}

async fn show(store: &Store, id: String) -> anyhow::Result<()> {
    let filter = Filter {
        id: Some(id.clone()),
        handled: true,
        ..Filter::default()
    };
    let letters = store.list(&filter).await?;
    ensure!(
        !letters.is_empty(),
        "there is no dead letter of the event {id}"
    );
    for letter in letters {
        let shown = json!({ "letter": &letter, "event": letter.event() });
        println!("{}", serde_json::to_string_pretty(&shown)?);
    }
    Ok(())
}

async fn handle(store: &Store, selection: &Selection, action: Action) -> anyhow::Result<()> {
    if selection.filters.is_empty() && !selection.all {
        bail!(
            "select dead letters with --id, --topic, --group, --type, --older-than or --newer-than, or all of them with --all"
        );
    }
    let letters = store.list(&selection.filters.filter(false)).await?;
    for letter in &letters {
        store.handle(letter, action).await?;
        println!("{}", letter.id);
    }
    let done = match action {
        Action::Replay => "replayed",
        Action::Discard => "discarded",
    };
    eprintln!("{done} {} dead letters", letters.len());
    Ok(())
}

impl Filters {
    fn is_empty(&self) -> bool {
        let texts = [&self.topic, &self.group, &self.kind, &self.id];
        texts.iter().all(|text| text.is_none())
            && self.older_than.is_none()
            && self.newer_than.is_none()
    }

    fn filter(&self, handled: bool) -> Filter {
        Filter {
            topic: self.topic.clone(),
            group: self.group.clone(),
            kind: self.kind.clone(),
            id: self.id.clone(),
            older_than: self.older_than,
            newer_than: self.newer_than,
            handled,
        }
    }
}

fn age(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("{text} is not an age: expected a number and one of s, m, h, d, such as 15m");
    let (unit_at, _) = text.char_indices().next_back().ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_and_a_unit() {
        assert_eq!(age("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(age("3d"), Ok(Duration::from_secs(3 * 86_400)));
        for wrong in ["", "s", "1", "-1h", "1w", "99999999999999999999d", "1é"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
