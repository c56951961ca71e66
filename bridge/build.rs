//! Collects the definitions of PL/pgSQL functions, which lie beside their callers, for `bridge migrate` to load.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let bridge = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let workspace = bridge.parent().unwrap_or(&bridge).to_path_buf();
    // The migrations are embedded by a macro, whose inputs cargo does not see.
    println!(
        "cargo::rerun-if-changed={}",
        workspace.join("migrations").display()
    );

    let mut found = Vec::new();
    for root in ["functions", "bridge/src"] {
        let root = workspace.join(root);
        println!("cargo::rerun-if-changed={}", root.display());
        collect(&root, &mut found)?;
    }
    found.sort();

    let mut source = String::from("&[\n");
    for path in &found {
        let name = path.strip_prefix(&workspace).unwrap_or(path).display();
        let _ = writeln!(
            source,
            "    ({:?}, include_str!({:?})),",
            name.to_string(),
            path
        );
    }
    source.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("functions.rs"), source)
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.to_string_lossy().ends_with(".fn.sql") {
            found.push(path);
        }
    }
    Ok(())
}
