//! Folders and files that only their owner can read. On Windows they inherit that from the user's profile, in which they lie.

#[cfg(unix)]
use std::fs::Permissions;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
#[cfg(unix)]
use std::io::ErrorKind;
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Creates a folder if there is none.
///
/// # Errors
/// It cannot be created.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder)
}

/// Takes the rights of all others from a file or a folder, if there is one.
///
/// # Errors
/// It is somebody else's.
#[cfg(unix)]
pub fn restrict(path: &Path) -> io::Result<()> {
    let kept = path.metadata().and_then(|found| {
        let mode = found.permissions().mode();
        match (mode & 0o1000, mode & 0o077) {
            (0, 0) => Ok(()),
            (0, _) => std::fs::set_permissions(path, Permissions::from_mode(mode & 0o700)),
            // Like /tmp: others need it.
            _ => Err(io::Error::other("this folder is for everybody")),
        }
    });
    match kept {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        kept => kept,
    }
}

#[cfg(not(unix))]
pub fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens a file to write it, and creates it if there is none.
///
/// # Errors
/// It cannot be opened.
pub fn open_file(file: &Path, truncate: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(truncate).write(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(file)
}

/// Makes a new name in a folder durable. Windows has no such call for folders; there the file system's journal does it.
///
/// # Errors
/// The folder cannot be written to the disk.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
