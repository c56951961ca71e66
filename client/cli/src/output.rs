//! What the program prints: text for people, or JSON; results to standard output, everything else to standard error.

use std::fmt::{Display, Write as _};
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::arguments::{Arguments, Color};
use crate::failure::Failure;

pub const DIM: Style = Style::new().dimmed();
pub const BOLD: Style = Style::new().bold();
pub const RED: Style = AnsiColor::Red.on_default();
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
pub const CYAN: Style = AnsiColor::Cyan.on_default();

/// A text in a style. Where colours are off, the style is removed when it is printed.
pub fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// So many things: `1 task`, `2 tasks`.
pub fn counted(number: usize, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

pub struct Output {
    pub json: bool,
}

impl Output {
    pub fn new(arguments: &Arguments) -> Self {
        match arguments.color {
            // On a terminal, unless NO_COLOR is set.
            Color::Auto => {}
            Color::Always => ColorChoice::Always.write_global(),
            Color::Never => ColorChoice::Never.write_global(),
        }
        Self {
            json: arguments.json,
        }
    }

    /// Prints a result: the JSON, or the text with a line break at its end.
    pub fn result(
        &self,
        json: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json {
            let mut line =
                serde_json::to_string(json).map_err(|error| Failure::refused(error.to_string()))?;
            line.push('\n');
            print(&line)?;
            return Ok(());
        }
        let mut text = text();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        print(&text)?;
        Ok(())
    }

    /// Says something that is no result.
    pub fn note(&self, text: impl Display) {
        let _ = writeln!(anstream::stderr(), "{text}");
    }

    /// Prints a failure, and returns its exit code.
    pub fn failure(&self, failure: &Failure) -> ExitCode {
        if self.json {
            self.note(failure.to_json());
        } else {
            let mut text = format!("{}: {}", styled(RED, "error"), failure.message);
            if let Some(hint) = &failure.hint {
                let _ = write!(text, "\n{} {hint}", styled(DIM, "hint:"));
            }
            self.note(text);
        }
        ExitCode::from(failure.kind.code())
    }
}

/// Prints to standard output. Returns whether somebody still reads it: a reader that has read enough is no failure.
pub fn print(text: &str) -> Result<bool, Failure> {
    let mut stdout = anstream::stdout();
    let printed = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match printed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::refused(format!("printing fails: {error}"))),
    }
}
