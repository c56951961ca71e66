//! CPU time that a process and its children have used, from /proc, so that a figure can say where the time goes.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// User and system time of `pid`, of its living children, and of those it has already waited for.
pub fn used(pid: i32) -> Result<Duration> {
    let mut ticks = own(pid)?;
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process may end while /proc is read.
        let Ok(fields) = fields(child) else { continue };
        if fields.first().and_then(|parent| parent.parse().ok()) == Some(pid) {
            ticks += own(child).unwrap_or(0);
        }
    }
    // Linux counts these in hundredths of a second, whatever its internal clock (man 5 proc).
    Ok(Duration::from_millis(ticks * 10))
}

fn own(pid: i32) -> Result<u64> {
    let fields = fields(pid)?;
    // After the parent's id: utime is the 11th, then stime, cutime, cstime.
    let times = fields.get(10..14).context("a short /proc/…/stat")?;
    times.iter().map(|time| Ok(time.parse::<u64>()?)).sum()
}

/// The fields of /proc/<pid>/stat from the parent's id on; the name before them may hold anything.
fn fields(pid: i32) -> Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = stat.rsplit_once(") ").context("an odd /proc/…/stat")?;
    Ok(rest.split(' ').skip(1).map(str::to_owned).collect())
}
