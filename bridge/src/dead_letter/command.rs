//! `bridge dead-letters`: what people type.

use std::time::Duration;

use anyhow::{bail, ensure};
use clap::{Args, Subcommand};
use serde_json::json;

use super::desk::{Deed, Desk, Letter, Wanted};
use crate::config::LogSettings;
use crate::{log, postgres};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the dead letters, oldest first.
    List {
        #[command(flatten)]
        which: Which,
        /// Also those that were replayed or discarded.
        #[arg(long)]
        handled: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Print one dead letter whole.
    Show {
        /// The event's id.
        id: String,
    },
    /// Put events back for the group that could not do them.
    Replay(Chosen),
    /// Put events aside for good.
    Discard(Chosen),
}

/// Filters; each narrows the choice.
#[derive(Args, Clone, Debug)]
pub struct Which {
    /// The topic that the events were on.
    #[arg(long)]
    topic: Option<String>,
    #[arg(long)]
    group: Option<String>,
    /// The events' type, such as task.created.
    #[arg(long = "type")]
    kind: Option<String>,
    /// The event's id.
    #[arg(long)]
    id: Option<String>,
    /// Dead for this long or longer, such as 90s, 15m, 2h or 3d.
    #[arg(long, value_parser = age)]
    older_than: Option<Duration>,
    /// Dead for less than this.
    #[arg(long, value_parser = age)]
    newer_than: Option<Duration>,
}

#[derive(Args, Clone, Debug)]
pub struct Chosen {
    #[command(flatten)]
    which: Which,
    /// Without a filter, all of them.
    #[arg(long)]
    all: bool,
    /// Who does it, for the audit trail.
    #[arg(long, env = "USER", default_value = "operator")]
    actor: String,
}

/// Runs one of the commands.
pub async fn run(settings: &LogSettings, command: Command) -> anyhow::Result<()> {
    let actor = match &command {
        Command::Replay(chosen) | Command::Discard(chosen) => chosen.actor.clone(),
        Command::List { .. } | Command::Show { .. } => String::new(),
    };
    let client = postgres::connect(&settings.database_url, "bridge dead-letters").await?;
    let desk = Desk {
        log: log::open(settings)?,
        client,
        actor,
    };
    match command {
        Command::List {
            which,
            handled,
            json,
        } => {
            list(
                &desk,
                &Wanted {
                    handled,
                    ..which.wanted()
                },
                json,
            )
            .await
        }
        Command::Show { id } => show(&desk, id).await,
        Command::Replay(chosen) => handle(&desk, &chosen, Deed::Replay).await,
        Command::Discard(chosen) => handle(&desk, &chosen, Deed::Discard).await,
    }
}

async fn list(desk: &Desk, wanted: &Wanted, json: bool) -> anyhow::Result<()> {
    for letter in desk.list(wanted).await? {
        if json {
            println!("{}", serde_json::to_string(&letter)?);
        } else {
            let Letter {
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
            let handled = handled.map(|deed| format!(" [{deed}]")).unwrap_or_default();
            println!(
                "{id}  {last_at}  {topic} -> {group}  {kind}  {attempts} attempts{handled}: {error}"
            );
        }
    }
    Ok(())
}

async fn show(desk: &Desk, id: String) -> anyhow::Result<()> {
    let wanted = Wanted {
        id: Some(id.clone()),
        handled: true,
        ..Wanted::default()
    };
    let letters = desk.list(&wanted).await?;
    ensure!(!letters.is_empty(), "no dead letter {id}");
    for letter in letters {
        let shown = json!({ "letter": &letter, "event": letter.event() });
        println!("{}", serde_json::to_string_pretty(&shown)?);
    }
    Ok(())
}

async fn handle(desk: &Desk, chosen: &Chosen, deed: Deed) -> anyhow::Result<()> {
    if chosen.which.is_empty() && !chosen.all {
        bail!("say which: --id, --topic, --group, --type, --older-than, --newer-than or --all");
    }
    let letters = desk.list(&chosen.which.wanted()).await?;
    for letter in &letters {
        desk.handle(letter, deed).await?;
        println!("{}", letter.id);
    }
    eprintln!("{} dead letters", letters.len());
    Ok(())
}

impl Which {
    fn is_empty(&self) -> bool {
        let texts = [&self.topic, &self.group, &self.kind, &self.id];
        texts.iter().all(|text| text.is_none())
            && self.older_than.is_none()
            && self.newer_than.is_none()
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            topic: self.topic.clone(),
            group: self.group.clone(),
            kind: self.kind.clone(),
            id: self.id.clone(),
            older_than: self.older_than,
            newer_than: self.newer_than,
            handled: false,
        }
    }
}

fn age(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text} is no age: a number and one of s, m, h, d");
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
    fn ages_are_a_number_and_a_unit() {
        assert_eq!(age("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(age("3d"), Ok(Duration::from_secs(3 * 86_400)));
        for wrong in ["", "s", "1", "-1h", "1w", "99999999999999999999d", "1é"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
