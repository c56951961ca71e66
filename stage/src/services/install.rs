//! Finds installed programs. Where they are missing, it installs Debian's packages as root, or says what to install.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

use crate::progress;

/// The path of a program, looked up on PATH first and then in the further directories.
pub fn find(program: &str, further: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(further.iter().cloned())
        .map(|dir| dir.join(program))
        .find(|candidate| candidate.is_file())
}

/// Whether we can install Debian's packages: there is apt, and we are root.
pub fn may_use_apt() -> bool {
    nix::unistd::geteuid().is_root() && Path::new("/usr/bin/apt-get").is_file()
}

/// Installs Debian's packages and shows what apt prints.
pub fn apt(packages: &[&str]) -> Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    progress::step(format!("installing {} (apt)", packages.join(" ")));
    if apt_get(&["install", "-y", "--no-install-recommends"], packages).is_ok() {
        return Ok(());
    }
    apt_get(&["update"], &[])?;
    apt_get(&["install", "-y", "--no-install-recommends"], packages)
}

fn apt_get(verb: &[&str], packages: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .args(["-qq", "-o", "DPkg::Lock::Timeout=120"])
        .args(verb)
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .context("running apt-get")?;
    if !status.success() {
        bail!("apt-get {} {} failed", verb.join(" "), packages.join(" "));
    }
    Ok(())
}

/// Looks something up, and installs the packages if it is missing and we may. Otherwise the error is `advice`, which is one line.
pub fn ensure<T>(look: impl Fn() -> Option<T>, packages: &[&str], advice: &str) -> Result<T> {
    if let Some(found) = look() {
        return Ok(found);
    }
    if may_use_apt() {
        apt(packages)?;
    }
    look().with_context(|| advice.to_owned())
}

/// The folder in which this user keeps what is slow to download or to build.
pub fn cache(name: &str) -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
        .with_context(|| format!("HOME is not set, so there is no place to keep {name}"))?;
    Ok(base.join("spindle").join(name))
}
