//! The CPU time that a process and its children have used, read from /proc.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The user and system time of a process, of its running children, and of the children that it has waited for.
pub fn used(pid: i32) -> Result<Duration> {
    let mut ticks = own(pid)?;
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process may end while we read /proc.
        let Ok(fields) = fields(child) else { continue };
        if fields.first().and_then(|parent| parent.parse().ok()) == Some(pid) {
            ticks += own(child).unwrap_or(0);
        }
    }
    // These times are in clock ticks, which are hundredths of a second on Linux (man 5 proc).
    Ok(Duration::from_millis(ticks * 10))
}

fn own(pid: i32) -> Result<u64> {
    let fields = fields(pid)?;
    // Counted from the parent's id, utime is the eleventh field; stime, cutime and cstime follow.
    let times = fields.get(10..14).context("a short /proc/…/stat")?;
    times.iter().map(|time| Ok(time.parse::<u64>()?)).sum()
}

/// The fields of /proc/<pid>/stat, from the parent's id on. The program's name before them may contain any character.
fn fields(pid: i32) -> Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = stat.rsplit_once(") ").context("an odd /proc/…/stat")?;
    Ok(rest.split(' ').skip(1).map(str::to_owned).collect())
}
