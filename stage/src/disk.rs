//! A small file system in memory, which a test can fill.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A mounted tmpfs. Dropping it unmounts it.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts a file system of this size at `path`, which it creates. Only root may mount, and not everywhere.
    ///
    /// # Errors
    /// The machine does not let this process mount.
    pub fn mount(path: &Path, megabytes: u32) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o"]);
        mount.arg(format!("size={megabytes}m,mode=755"));
        run(mount.args(["tmpfs"]).arg(path))?;
        Ok(Self(path.to_owned()))
    }

    /// Takes all the space that is left.
    ///
    /// # Errors
    /// The file system fails in another way than by being full.
    pub fn fill(&self) -> Result<()> {
        let mut filler = File::create(self.filler())?;
        for size in [1 << 20, 4096] {
            let block = vec![0; size];
            loop {
                match filler.write_all(&block) {
                    Ok(()) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("filling the file system"),
                }
            }
        }
        Ok(())
    }

    /// Gives back what `fill` has taken.
    ///
    /// # Errors
    /// It took nothing.
    pub fn free(&self) -> Result<()> {
        std::fs::remove_file(self.filler()).context("freeing the file system")
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(&self.0);
    }
}

/// Unmounts at once what is mounted below a folder, also if it is still in use.
pub(crate) fn unmount_below(folder: &Path) {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    for point in points.map(Path::new).filter(|at| at.starts_with(folder)) {
        unmount(point);
    }
}

fn unmount(path: &Path) {
    let _ = run(Command::new("umount").arg("--lazy").arg(path));
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().context("starting mount")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
