//! `cargo dev images --check`: pushes both images to a registry on loopback, pulls them by their digests, and runs the system from what
//! was pulled, the bridge as the user that its image names.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;
use serde_json::json;
use stage::child::Process;
use stage::scratch::Scratch;
use stage::services::install;
use stage::system::{LogKind, System, SystemOptions, workspace};
use stage::{ports, progress};

use super::registry::{Pushed, Registry};
use super::{group, unpack};

const PROMPT: Duration = Duration::from_secs(10);

pub async fn run(images: &Path, tag: &str) -> Result<()> {
    let scratch = Scratch::new("images")?;
    let (process, registry) = serve(scratch.path()).await?;
    let pulled = async {
        let pushed = super::push(&registry, images, tag).await?;
        pull(&registry, &pushed, scratch.path()).await
    };
    let pulled = pulled.await;
    process.stop(Signal::SIGTERM, PROMPT).await;
    let system = System::start(pulled?).await?;
    let mut smoke = Command::new(workspace().join("k8s/smoke.sh"));
    smoke.arg(system.api_url());
    let works = group::succeed(smoke).await;
    system.stop().await;
    works?;
    progress::step("the system runs from what was pulled");
    Ok(())
}

/// A registry on loopback, which keeps its images in a folder.
async fn serve(folder: &Path) -> Result<(Process, Registry)> {
    let program = install::ensure(
        || install::find("docker-registry", &[]),
        &["docker-registry"],
        "docker-registry is not on PATH",
    )?;
    let address = format!("127.0.0.1:{}", ports::free()?);
    // JSON is YAML, too.
    let settings = json!({
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": folder.join("registry")}},
        "http": {"addr": address},
    });
    let file = folder.join("registry.yml");
    std::fs::write(&file, settings.to_string())?;
    let process = Process::new("registry", folder.join("registry.log"), move || {
        let mut command = Command::new(&program);
        command.arg("serve").arg(&file);
        command
    });
    let child = process.launch()?;
    let url = format!("http://{address}/v2/");
    let answers = || async { reqwest::get(&url).await.is_ok() };
    child.ready(PROMPT, answers).await?;
    Ok((process, Registry::new(address, true)?))
}

/// Pulls the images. Returns the options of a system that runs them.
async fn pull(registry: &Registry, images: &[Pushed; 2], folder: &Path) -> Result<SystemOptions> {
    for image in images {
        registry.pull(image, &folder.join(image.image)).await?;
    }
    let programs = unpack::programs(folder, folder).await?;
    Ok(SystemOptions {
        built: true,
        bridge: Some(programs.bridge),
        application: Some(programs.application),
        ..SystemOptions::new(folder.join("system"), LogKind::Kafka)
    })
}
