//! The API server and kubectl. Both are kept outside the workspace, because the first takes minutes to build.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use stage::progress;
use stage::services::install;

use crate::commands::{group, python};

const VERSION: &str = "1.36.3";

/// kubectl, and the API server.
pub async fn both(root: &Path) -> Result<(PathBuf, PathBuf)> {
    let requirements = root.join("k8s/tests/requirements.txt");
    let environment = tokio::task::spawn_blocking({
        let root = root.to_owned();
        move || python::environment(&root, "kubernetes", &requirements)
    });
    let server = apiserver(&root.join("k8s/tests/apiserver")).await?;
    Ok((environment.await??.join("kubectl"), server))
}

/// Builds the API server, unless an earlier run has.
async fn apiserver(module: &Path) -> Result<PathBuf> {
    let folder = install::cache(&format!("kubernetes-{VERSION}"))?;
    let server = folder.join("kube-apiserver");
    if server.is_file() {
        return Ok(server);
    }
    let go = install::find("go", &[PathBuf::from("/usr/local/go/bin")]);
    let go = go.context("the API server of Kubernetes is built with Go: https://go.dev/dl")?;
    progress::step(format!(
        "building the API server of Kubernetes {VERSION}, which takes some minutes"
    ));
    // Several processes may do this at once; the last rename wins.
    let own = folder.join(format!("build-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let version = format!(
        "-s -w -X k8s.io/component-base/version.gitVersion=v{VERSION} -X k8s.io/component-base/version.gitMajor=1 \
         -X k8s.io/component-base/version.gitMinor=36"
    );
    // The build takes only what other programs leave of the processors. Servers have time limits, so they run with the usual priority.
    let mut build = Command::new("nice");
    build
        .args(["-n", "19"])
        .arg(go)
        .current_dir(module)
        .env("GOFLAGS", "-mod=mod")
        .args(["build", "-trimpath", "-ldflags", &version, "-o"])
        .arg(&own)
        .arg("k8s.io/kubernetes/cmd/kube-apiserver");
    group::succeed(build).await?;
    std::fs::rename(own, &server)?;
    Ok(server)
}
