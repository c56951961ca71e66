//! Writes the number of the newest migration to a file, which `src/schema.rs` includes.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let migrations = Path::new("../migrations");
    println!("cargo::rerun-if-changed={}", migrations.display());
    let mut newest = 0;
    for entry in fs::read_dir(migrations)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| {
            name.strip_prefix('V')?
                .split_once("__")?
                .0
                .parse::<i32>()
                .ok()
        });
        newest = newest.max(number.unwrap_or_default());
    }
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("schema_version"), newest.to_string())
}
