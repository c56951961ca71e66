//! The OCI image of the bridge: one layer with the program, the libraries that it needs, and the authorities that it trusts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use stage::scratch::Scratch;

use super::layout::{self, Writer};

/// The authorities that Debian trusts.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// A user who is nobody else.
const USER: &str = "65532:65532";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Writes the image of this program as an OCI image layout. The same program and libraries make the same image.
pub fn write(program: &Path, folder: &Path) -> Result<()> {
    let files = Scratch::new("bridge-image")?;
    collect(program, files.path())?;
    let mut archive = Command::new("tar");
    archive.args(["--create", "--format=gnu", "--sort=name", "--mtime=@0"]);
    archive.args(["--owner=0", "--group=0", "--numeric-owner", "--mode=go-w"]);
    archive.arg("--directory").arg(files.path()).arg(".");
    let archive = output(archive)?;
    let file = files.path().join("layer.tar");
    std::fs::write(&file, &archive)?;
    let mut compress = Command::new("gzip");
    compress.args(["--no-name", "--stdout"]).arg(&file);

    let image = Writer::new(folder)?;
    let layer = image.add(LAYER, &output(compress)?)?;
    let config = json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {
            "User": USER,
            "Env": [format!("SSL_CERT_FILE={AUTHORITIES}")],
            "Entrypoint": ["/bridge"],
            "Cmd": ["run"],
        },
        "rootfs": {"type": "layers", "diff_ids": [layout::sha256(&archive)]},
    });
    let annotations = json!({
        "org.opencontainers.image.title": "spindle-bridge",
        "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
    });
    image.finish(&config, vec![layer], annotations)
}

/// Copies a program, the libraries that the dynamic linker loads for it, and the authorities into a folder, each at its place.
fn collect(program: &Path, folder: &Path) -> Result<()> {
    ensure!(
        Path::new(AUTHORITIES).is_file(),
        "{AUTHORITIES} is missing: install ca-certificates"
    );
    copy(program, &folder.join("bridge"))?;
    copy(Path::new(AUTHORITIES), &below(folder, AUTHORITIES))?;
    let mut list = Command::new("ldd");
    list.arg(program);
    // `libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x…)`, or the linker itself without a name.
    for word in String::from_utf8_lossy(&output(list)?).split_whitespace() {
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

/// What a command that must succeed prints.
fn output(mut command: Command) -> Result<Vec<u8>> {
    let shown = format!("{command:?}");
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("running {shown}"))?;
    ensure!(
        output.status.success(),
        "{shown} failed ({})",
        output.status
    );
    Ok(output.stdout)
}

/// This machine's architecture, as Go names it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
