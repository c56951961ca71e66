//! Free TCP ports on the loopback interface, and ports that a directory remembers between starts.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use rand::Rng;

/// Ports below the kernel's ephemeral range, so no outgoing connection can take a port after we chose it.
const CHOICE: std::ops::Range<u16> = 18_000..32_000;

/// Whether a program could listen on this loopback port now.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The locks on the ports that this process has chosen. The kernel releases them when the process ends.
static CHOSEN: Mutex<BTreeMap<u16, File>> = Mutex::new(BTreeMap::new());

/// Takes a port for this process, so that no other test program chooses it while the server on it starts or is stopped for a while.
/// False if another process has taken it. A process keeps what it has taken, for a server that it starts again.
fn take(port: u16) -> Result<bool> {
    let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
    if chosen.contains_key(&port) {
        return Ok(true);
    }
    let dir = std::env::temp_dir().join("spindle-ports");
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    let path = dir.join(port.to_string());
    let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
    let taken = file.try_lock().is_ok();
    if taken {
        chosen.insert(port, file);
    }
    Ok(taken)
}

fn is_taken_here(port: u16) -> bool {
    let chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
    chosen.contains_key(&port)
}

/// A port that no program listens on and that nobody has chosen, neither this process nor another one of Spindle.
pub fn free() -> Result<u16> {
    let mut rng = rand::rng();
    for _ in 0..200 {
        let port = rng.random_range(CHOICE);
        if is_free(port) && !is_taken_here(port) && take(port)? {
            return Ok(port);
        }
    }
    bail!("no free port between {} and {}", CHOICE.start, CHOICE.end)
}

/// The port in this file if this process can have it; otherwise a new free port, which is written to the file.
pub fn remembered(file: &Path) -> Result<u16> {
    let known = std::fs::read_to_string(file)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    if let Some(port) = known
        && is_free(port)
        && take(port)?
    {
        return Ok(port);
    }
    let port = free()?;
    std::fs::write(file, format!("{port}\n"))?;
    Ok(port)
}

#[cfg(test)]
mod tests {
    use super::{File, free, take};

    #[test]
    fn a_chosen_port_stays_with_its_process() {
        let port = free().unwrap();
        let path = std::env::temp_dir()
            .join("spindle-ports")
            .join(port.to_string());
        assert!(take(port).unwrap());
        // Another process opens the file anew.
        assert!(File::open(path).unwrap().try_lock().is_err());
    }
}
