//! Builds the WebAssembly components that spin.toml lists, and the bridge.

use crate::progress;
use crate::services::install;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TARGET: &str = "wasm32-wasip1";
const PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "wasi-libc"];
const ADVICE: &str = "Rust's wasm32-wasip1 target is missing: `rustup target add wasm32-wasip1` (rustup), or `apt-get install rustc-web rust-web-src wasi-libc` (Debian)";
/// What only Debian's compiler needs beside the plain command: it comes without a compiled standard library.
const BUILD_STD: [&str; 1] = ["-Zbuild-std=std,panic_abort"];

#[derive(Deserialize)]
struct Manifest {
    component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
struct Component {
    build: Option<Build>,
}

#[derive(Deserialize)]
struct Build {
    command: String,
    #[serde(default)]
    workdir: PathBuf,
}

/// The compiler that makes WebAssembly here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// The default compiler knows the target: the plain command does it.
    Rustup,
    /// Debian's compiler, with the standard library built along.
    Debian {
        rustc: PathBuf,
        linker: PathBuf,
        libc: PathBuf,
    },
}

/// Builds every component of the manifest and leaves the .wasm files where the manifest looks for them.
pub fn build_manifest(manifest: &Path) -> Result<()> {
    let text = std::fs::read_to_string(manifest)
        .with_context(|| format!("reading {}", manifest.display()))?;
    let parsed: Manifest =
        toml::from_str(&text).with_context(|| format!("reading {}", manifest.display()))?;
    let folder = manifest.parent().unwrap_or(Path::new("."));
    let commands: BTreeSet<(String, PathBuf)> = parsed
        .component
        .into_values()
        .filter_map(|component| component.build)
        .map(|build| (build.command, folder.join(build.workdir)))
        .collect();
    for (command, workdir) in commands {
        progress::step(&command);
        run(&command, &workdir)?;
    }
    Ok(())
}

/// Builds one package of the workspace in `workspace`; the folder that holds its .wasm file.
pub fn build_package(workspace: &Path, package: &str) -> Result<PathBuf> {
    run(
        &format!("cargo build --target {TARGET} --release -p {package}"),
        workspace,
    )?;
    Ok(workspace.join("target").join(TARGET).join("release"))
}

/// Builds a native program of the workspace. Without `-p`, cargo chooses the same features as for `cargo dev` and
/// `cargo test --workspace`, so that nothing is compiled twice.
pub fn build_program(root: &Path, name: &str) -> Result<()> {
    progress::step(format!("cargo build --release --bin {name}"));
    succeed(cargo(root).args(["build", "--release", "--bin", name]))
}

/// Runs a `cargo build --target wasm32-wasip1 …` command with the compiler there is.
fn run(command: &str, workdir: &Path) -> Result<()> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let Some(("cargo", arguments)) = words.split_first().map(|(first, rest)| (*first, rest)) else {
        return succeed(
            Command::new("sh")
                .args(["-c", command])
                .current_dir(workdir),
        );
    };
    let mut build = cargo(workdir);
    build.args(arguments);
    match toolchain()? {
        Toolchain::Rustup => succeed(&mut build),
        Toolchain::Debian {
            rustc,
            linker,
            libc,
        } => {
            build
                .args(BUILD_STD)
                .env("RUSTC", rustc)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_DIR", "target/guest")
                .env("CARGO_TARGET_WASM32_WASIP1_LINKER", linker)
                .env("RUSTFLAGS", format!("-L native={}", libc.display()));
            succeed(&mut build)?;
            publish(
                &workdir.join("target/guest").join(TARGET).join("release"),
                &workdir.join("target").join(TARGET).join("release"),
            )
        }
    }
}

/// The compiler to use: rustup's target, else `rustup target add`, else Debian's packages.
pub fn toolchain() -> Result<Toolchain> {
    static CHOSEN: std::sync::OnceLock<Toolchain> = std::sync::OnceLock::new();
    if let Some(chosen) = CHOSEN.get() {
        return Ok(chosen.clone());
    }
    let chosen = choose()?;
    Ok(CHOSEN.get_or_init(|| chosen).clone())
}

fn choose() -> Result<Toolchain> {
    if has_target() {
        return Ok(Toolchain::Rustup);
    }
    // Without a network every start would wait for the download to fail; Debian's compiler, once it is there, stays the choice.
    if let Some(debian) = debian() {
        return Ok(debian);
    }
    progress::step(format!("rustup target add {TARGET}"));
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .stdin(Stdio::null())
        .status();
    if added.is_ok_and(|status| status.success()) && has_target() {
        return Ok(Toolchain::Rustup);
    }
    install::ensure(debian, &PACKAGES, ADVICE)
}

/// Whether the default compiler has the target's standard library.
fn has_target() -> bool {
    output("rustc", &["--print", "target-libdir", "--target", TARGET])
        .is_some_and(|dir| Path::new(&dir).join("self-contained").is_dir())
}

/// Debian's compiler with its sources, its C library, and the linker that rustup's compiler brings.
fn debian() -> Option<Toolchain> {
    let rustc = PathBuf::from("/usr/bin/rustc");
    let sysroot = output("/usr/bin/rustc", &["--print", "sysroot"])?;
    let sources = Path::new(&sysroot).join("lib/rustlib/src/rust/library/std");
    let libc = PathBuf::from("/usr/lib/wasm32-wasi");
    let default = output("rustc", &["--print", "sysroot"])?;
    let host = output("rustc", &["--print", "host-tuple"])?;
    let linker = Path::new(&default)
        .join("lib/rustlib")
        .join(host)
        .join("bin/rust-lld");
    (sources.is_dir() && libc.join("libc.a").is_file() && linker.is_file()).then_some(
        Toolchain::Debian {
            rustc,
            linker,
            libc,
        },
    )
}

/// Copies what changed, so that a file's time says when its content last did.
fn publish(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let path = entry?.path();
        let (true, Some(name)) = (
            path.extension().is_some_and(|end| end == "wasm"),
            path.file_name(),
        ) else {
            continue;
        };
        let new = std::fs::read(&path)?;
        let target = to.join(name);
        if std::fs::read(&target).is_ok_and(|old| old == new) {
            continue;
        }
        let partial = target.with_extension("wasm.partial");
        std::fs::write(&partial, new)?;
        std::fs::rename(&partial, &target)?;
    }
    Ok(())
}

/// Cargo without what a surrounding `cargo run` or `cargo test` put into the environment for its own package.
pub fn cargo(workdir: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(workdir).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text == "RUSTFLAGS"
        {
            command.env_remove(&name);
        }
    }
    command
}

fn succeed(command: &mut Command) -> Result<()> {
    let line = format!("{command:?}");
    let status = command
        .status()
        .with_context(|| format!("starting {line}"))?;
    if !status.success() {
        bail!("{line} failed ({status})");
    }
    Ok(())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
