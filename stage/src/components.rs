//! Builds what runs: the WebAssembly functions with one cargo call, and the native programs with another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::progress;
use crate::services::install;

const TARGET: &str = "wasm32-wasip1";
const PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "wasi-libc"];
const ADVICE: &str = "Rust's wasm32-wasip1 target is missing: `rustup target add wasm32-wasip1` (rustup), or `apt-get install rustc-web rust-web-src wasi-libc` (Debian)";
/// The packages of the libraries that the bridge is built with: TLS to Kafka, and tokens for the login there.
const LIBRARIES: [&str; 3] = ["pkg-config", "libssl-dev", "libcurl4-openssl-dev"];
/// Debian's compiler comes without a compiled standard library for the target, so cargo compiles that, too.
const BUILD_STD: &str = "-Zbuild-std=std,panic_abort";

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
}

/// The compiler that makes WebAssembly on this machine.
#[derive(Debug, Clone)]
enum Toolchain {
    /// The default compiler has the target.
    Rustup,
    /// Debian's compiler, with the linker of the default one and Debian's C library for WASI.
    Debian {
        rustc: PathBuf,
        linker: PathBuf,
        libc: PathBuf,
    },
}

/// The packages of the functions that only the embedded host's tests run.
pub const TEST_GUESTS: [&str; 4] = [
    "guest-probe",
    "guest-collector",
    "guest-ticker",
    "guest-key-value",
];

/// How native programs are optimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Compiles fast: for `cargo dev up` and the tests.
    Gate,
    /// Optimised like a published build: for benchmarks.
    Release,
}

impl Profile {
    /// The profile's name in Cargo.toml, and its folder below `target/`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Release => "release",
        }
    }
}

/// The workspace's packages that the components of `spin.toml` are built from, in the order of their names.
///
/// # Errors
/// When the manifest cannot be read, or when a build command is not `cargo build --target wasm32-wasip1 --release -p <package>`.
pub fn packages(root: &Path) -> Result<Vec<String>> {
    let file = root.join("spin.toml");
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let manifest: Manifest =
        toml::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
    let builds = manifest
        .component
        .into_values()
        .filter_map(|component| component.build);
    builds
        .map(|build| {
            let package = build
                .command
                .strip_prefix(&format!("cargo build --target {TARGET} --release -p "));
            package.map(str::to_owned).with_context(|| {
                format!(
                    "spin.toml has a build command that `cargo dev` does not know: {}",
                    build.command
                )
            })
        })
        .collect()
}

/// Builds packages of the workspace for WebAssembly, optimised for release, with one cargo call.
/// Their `.wasm` files are then in [`wasm_folder`].
///
/// # Errors
/// When there is no compiler for WebAssembly, or when the build fails.
pub fn build_wasm(root: &Path, packages: &[String]) -> Result<()> {
    progress::step(format!("building for WebAssembly: {}", packages.join(", ")));
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    compile_wasm(root, "release", &packages)
}

/// Builds the client for browsers and returns its `.wasm` file.
///
/// # Errors
/// When there is no compiler for WebAssembly, or when the build fails.
pub fn build_browser(root: &Path) -> Result<PathBuf> {
    progress::step("building the client for browsers");
    compile_wasm(root, "browser", &["client-wasm"])?;
    Ok(browser_wasm(root))
}

/// The file that [`build_browser`] writes.
pub fn browser_wasm(root: &Path) -> PathBuf {
    target(root).join(TARGET).join("browser/client_wasm.wasm")
}

fn compile_wasm(root: &Path, profile: &str, packages: &[&str]) -> Result<()> {
    let mut build = cargo(root);
    build.args(["build", "--profile", profile, "--target", TARGET]);
    for package in packages {
        build.args(["-p", package]);
    }
    if let Toolchain::Debian {
        rustc,
        linker,
        libc,
    } = toolchain()?
    {
        build
            .arg(BUILD_STD)
            .env("RUSTC", rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_WASIP1_LINKER", linker)
            .env("RUSTFLAGS", format!("-L native={}", libc.display()));
    }
    succeed(&mut build)
}

/// The folder into which [`build_wasm`] and `spin build` write the `.wasm` files.
pub fn wasm_folder(root: &Path) -> PathBuf {
    target(root).join(TARGET).join("release")
}

/// Builds native programs of the workspace with one cargo call. Without `-p`, cargo unifies features over the whole workspace,
/// so it compiles no dependency twice.
///
/// # Errors
/// When the build fails.
pub fn build_programs(root: &Path, profile: Profile, names: &[&str]) -> Result<()> {
    ensure_libraries()?;
    progress::step(format!("building {}", names.join(", ")));
    let mut build = cargo(root);
    build.args(["build", "--profile", profile.name()]);
    for name in names {
        build.args(["--bin", name]);
    }
    succeed(&mut build)
}

/// Installs the libraries that the bridge is built with, if they are missing and we may. Where we may not, they can also be
/// where only the build of the bridge looks for them, and its error says what is missing.
///
/// # Errors
/// When apt fails.
pub fn ensure_libraries() -> Result<()> {
    let found = || {
        let mut look = Command::new("pkg-config");
        look.args(["--exists", "openssl", "libcurl"]).status()
    };
    if !install::may_use_apt() || found().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    install::apt(&LIBRARIES)
}

/// A program that [`build_programs`] has built.
pub fn program(root: &Path, profile: Profile, name: &str) -> PathBuf {
    target(root).join(profile.name()).join(name)
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, or `target/` in the workspace.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

/// Cargo with the settings of `.cargo/build.toml`. Environment variables that an outer `cargo run` or `cargo test` set for its
/// own package are removed.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text == "RUSTFLAGS"
        {
            command.env_remove(&name);
        }
    }
    command.arg("--config").arg(root.join(".cargo/build.toml"));
    command
}

/// The compiler to use: rustup's, if it has the target or can add it; otherwise Debian's.
fn toolchain() -> Result<Toolchain> {
    static CHOSEN: OnceLock<Toolchain> = OnceLock::new();
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
    // Debian's compiler is preferred once it is installed. Otherwise each start without a network would wait for rustup's
    // download to fail.
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

/// Debian's compiler, if it, its sources, its C library and the default compiler's linker are all installed.
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

/// Runs a command on the terminal of this process.
///
/// # Errors
/// It cannot be started, or fails.
pub fn succeed(command: &mut Command) -> Result<()> {
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
