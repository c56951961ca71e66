//! Process groups: a command, and all processes that it starts, end when this process ends.

use std::process::ExitStatus;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Child;

/// The process group of a child that was started with `process_group(0)`. Dropping it kills all processes that are left in the
/// group.
pub struct Group(Option<Pid>);

impl Group {
    pub fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.map(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // An error means that all processes of the group have ended.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

/// Runs a command on the terminal of this process.
pub async fn attached(command: std::process::Command) -> Result<ExitStatus> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = tokio::process::Command::from(command)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    let _group = Group::of(&child);
    Ok(child.wait().await?)
}

/// The same, for a command that must succeed.
pub async fn succeed(command: std::process::Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = attached(command).await?;
    ensure!(status.success(), "{shown} failed ({status})");
    Ok(())
}
