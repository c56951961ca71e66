//! `cargo dev images`: builds the image of the bridge, with buildah or Docker, and pushes it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use stage::components::{self, Profile};
use stage::progress;
use stage::scratch::Scratch;
use stage::services::install;
use stage::system::workspace;

use super::group;

/// The authorities that Debian trusts.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

#[derive(Debug, Args)]
pub struct Arguments {
    /// Registry, and what comes before the images' names, to push them to, such as ghcr.io/owner
    #[arg(long)]
    push: Option<String>,
    /// Tag of the images
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
    /// Whether the registry is without TLS
    #[arg(long)]
    insecure: bool,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let root = workspace();
    components::build_programs(&root, Profile::Release, &["bridge"])?;
    let scratch = Scratch::new("images")?;
    let folder = scratch.path().join("bridge");
    let program = components::program(&root, Profile::Release, "bridge");
    collect(&program, &folder)?;
    let builder = Builder::find()?;
    let prefix = arguments.push.as_deref().unwrap_or("localhost");
    let name = format!("{prefix}/spindle-bridge:{}", arguments.tag);
    builder
        .build(
            &root.join("k8s/images/bridge.Containerfile"),
            &folder,
            &name,
        )
        .await?;
    progress::step(format!("built {name}"));
    if arguments.push.is_some() {
        builder.push(&name, arguments.insecure).await?;
        progress::step(format!("pushed {name}"));
    }
    Ok(())
}

/// Copies a program, the libraries that the dynamic linker loads for it, and the authorities into a folder, each at its place.
fn collect(program: &Path, folder: &Path) -> Result<()> {
    ensure!(
        Path::new(AUTHORITIES).is_file(),
        "{AUTHORITIES} is missing: install ca-certificates"
    );
    copy(program, &folder.join("bridge"))?;
    copy(Path::new(AUTHORITIES), &below(folder, AUTHORITIES))?;
    let listed = Command::new("ldd")
        .arg(program)
        .output()
        .context("running ldd")?;
    ensure!(
        listed.status.success(),
        "ldd cannot read {}",
        program.display()
    );
    // `libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x…)`, or the linker itself without a name.
    for word in String::from_utf8_lossy(&listed.stdout).split_whitespace() {
        if word.starts_with('/') {
            copy(Path::new(word), &below(folder, word))?;
        }
    }
    Ok(())
}

fn below(folder: &Path, path: &str) -> PathBuf {
    folder.join(path.trim_start_matches('/'))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let parent = to.parent().context("no folder to copy into")?;
    std::fs::create_dir_all(parent)?;
    std::fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    Ok(())
}

/// The program that builds images. Both take the same arguments.
enum Builder {
    Buildah(PathBuf),
    Docker(PathBuf),
}

impl Builder {
    fn find() -> Result<Self> {
        let docker = install::find("docker", &[]).filter(|docker| serves(docker));
        if let Some(docker) = docker {
            return Ok(Self::Docker(docker));
        }
        let advice = "images are built with docker or buildah (Debian: buildah)";
        install::ensure(|| install::find("buildah", &[]), &["buildah"], advice).map(Self::Buildah)
    }

    async fn build(&self, file: &Path, folder: &Path, name: &str) -> Result<()> {
        let mut command = self.command();
        command
            .arg("build")
            .arg("--file")
            .arg(file)
            .args(["--tag", name]);
        command.arg(folder);
        group::succeed(command).await
    }

    async fn push(&self, name: &str, insecure: bool) -> Result<()> {
        let mut command = self.command();
        command.arg("push");
        // Docker knows registries without TLS from its own settings.
        if insecure && matches!(self, Self::Buildah(_)) {
            command.arg("--tls-verify=false");
        }
        command.arg(name);
        group::succeed(command).await
    }

    fn command(&self) -> Command {
        match self {
            Self::Docker(docker) => Command::new(docker),
            Self::Buildah(buildah) => {
                let mut command = Command::new(buildah);
                // It works without any right that a container's host has to give.
                command.args(["--storage-driver", "vfs"]);
                command
            }
        }
    }
}

/// Whether Docker's engine answers.
fn serves(docker: &Path) -> bool {
    let mut version = Command::new(docker);
    let answer = version.arg("version").output();
    answer.is_ok_and(|answer| answer.status.success())
}
