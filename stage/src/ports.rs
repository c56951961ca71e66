//! Free TCP ports on the loopback, and the ones that a directory remembers between starts.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::{Result, bail};
use rand::Rng;

/// Below the kernel's ephemeral range, so that no outgoing connection takes a port between the choice and its use.
const CHOICE: std::ops::Range<u16> = 18_000..32_000;

/// Whether somebody could listen on this loopback port now.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port that nobody listens on; random, so that test processes that run side by side seldom choose the same.
pub fn free() -> Result<u16> {
    let mut rng = rand::rng();
    for _ in 0..200 {
        let port = rng.random_range(CHOICE);
        if is_free(port) {
            return Ok(port);
        }
    }
    bail!("no free port between {} and {}", CHOICE.start, CHOICE.end)
}

/// The port written in this file while it is still free, else a new one, which is written there.
pub fn remembered(file: &Path) -> Result<u16> {
    let known = std::fs::read_to_string(file)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    if let Some(port) = known.filter(|port| is_free(*port)) {
        return Ok(port);
    }
    let port = free()?;
    std::fs::write(file, format!("{port}\n"))?;
    Ok(port)
}
