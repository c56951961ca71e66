//! Free TCP ports on the loopback interface, and ports that a directory remembers between starts.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::{Result, bail};
use rand::Rng;

/// Ports below the kernel's ephemeral range, so no outgoing connection can take a port after we chose it.
const CHOICE: std::ops::Range<u16> = 18_000..32_000;

/// Whether a program could listen on this loopback port now.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port that no program listens on. The choice is random, so test programs that run at once seldom choose the same port.
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

/// The port in this file if it is free; otherwise a new free port, which is written to the file.
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
