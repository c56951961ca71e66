//! An API server of Kubernetes on etcd: it stores and checks objects, and nothing runs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use stage::child::Process;
use stage::scratch::Scratch;
use stage::services::install;
use stage::{ports, progress};
use tokio::io::AsyncWriteExt;

use super::program;

/// The token of the only user, who may do everything.
const TOKEN: &str = "admin";
const READY: Duration = Duration::from_secs(180);

/// A running API server with the definitions of custom resources.
pub struct Cluster {
    etcd: Process,
    server: Process,
    kubectl: PathBuf,
    url: String,
    folder: Scratch,
}

/// What kubectl has printed.
pub struct Printed {
    pub out: String,
    pub errors: String,
}

impl Cluster {
    /// Starts etcd and the API server, and adds the definitions in `crds`, the rules of SpinKube's operator, and the namespace.
    pub async fn start(root: &Path, crds: &Path) -> Result<Self> {
        let etcd = install::ensure(
            || install::find("etcd", &[]),
            &["etcd-server"],
            "etcd is not on PATH",
        )?;
        let (kubectl, apiserver) = program::both(root).await?;
        let folder = Scratch::new("kubernetes")?;
        let (client, peer, port) = (ports::free()?, ports::free()?, ports::free()?);
        let etcd = etcd_process(etcd, folder.path().to_owned(), client, peer);
        let server = server_process(apiserver, folder.path(), client, port)?;
        let url = format!("https://127.0.0.1:{port}");
        let cluster = Self {
            etcd,
            server,
            kubectl,
            url,
            folder,
        };
        cluster.etcd.launch()?;
        let child = cluster.server.launch()?;
        child
            .ready(READY, || async {
                cluster
                    .kubectl(&["get", "--raw", "/readyz"], None)
                    .await
                    .is_ok()
            })
            .await?;
        progress::step(format!("an API server of Kubernetes at {}", cluster.url));
        let crds = crds.display().to_string();
        cluster
            .kubectl(&["create", "--filename", &crds], None)
            .await?;
        let wait = [
            "wait",
            "--for=condition=Established",
            "--timeout=180s",
            "crd",
            "--all",
        ];
        cluster.kubectl(&wait, None).await?;
        for file in ["k8s/tests/operator.yaml", "k8s/base/namespace.yaml"] {
            let text = std::fs::read_to_string(root.join(file)).context(file)?;
            cluster.apply(&text, &[]).await.context(file)?;
        }
        Ok(cluster)
    }

    /// Runs kubectl with this input. What it prints besides its output are warnings.
    ///
    /// # Errors
    /// It fails. The error is what it printed.
    pub async fn kubectl(&self, arguments: &[&str], input: Option<&str>) -> Result<Printed> {
        let mut command = tokio::process::Command::new(&self.kubectl);
        command
            .args(["--server", &self.url, "--token", TOKEN])
            .args(["--insecure-skip-tls-verify", "--kubeconfig", "/dev/null"])
            .arg("--cache-dir")
            .arg(self.folder.path().join("kubectl"))
            .args(arguments)
            .stdin(if input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().context("starting kubectl")?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            stdin.write_all(input.as_bytes()).await?;
        }
        let output = child.wait_with_output().await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let errors = text(&output.stderr);
        if !output.status.success() {
            bail!("{}", errors.trim());
        }
        Ok(Printed {
            out: text(&output.stdout),
            errors,
        })
    }

    /// Applies objects on the server. Unknown members are errors.
    ///
    /// # Errors
    /// The server refuses one. The error is what it said.
    pub async fn apply(&self, objects: &str, further: &[&str]) -> Result<Printed> {
        let mut arguments = vec!["apply", "--server-side", "--validate=strict"];
        arguments.extend(further);
        arguments.extend(["--filename", "-"]);
        self.kubectl(&arguments, Some(objects)).await
    }

    pub async fn stop(&self) {
        for process in [&self.server, &self.etcd] {
            process.stop(Signal::SIGTERM, Duration::from_secs(10)).await;
        }
    }
}

fn etcd_process(program: PathBuf, folder: PathBuf, client: u16, peer: u16) -> Process {
    Process::new("etcd", folder.join("etcd.log"), move || {
        let (client, peer) = (
            format!("http://127.0.0.1:{client}"),
            format!("http://127.0.0.1:{peer}"),
        );
        let mut command = Command::new(&program);
        command
            .arg("--data-dir")
            .arg(folder.join("etcd"))
            .args([
                "--listen-client-urls",
                &client,
                "--advertise-client-urls",
                &client,
            ])
            .args([
                "--listen-peer-urls",
                &peer,
                "--initial-advertise-peer-urls",
                &peer,
            ])
            .args(["--initial-cluster", &format!("default={peer}")])
            .arg("--unsafe-no-fsync");
        command
    })
}

fn server_process(program: PathBuf, folder: &Path, etcd: u16, port: u16) -> Result<Process> {
    let key = folder.join("accounts.key");
    let made = Command::new("openssl")
        .args(["genrsa", "-out"])
        .arg(&key)
        .arg("2048")
        .stderr(Stdio::null())
        .status()
        .context("running openssl")?;
    ensure!(made.success(), "openssl made no key");
    let tokens = folder.join("tokens.csv");
    std::fs::write(&tokens, format!("{TOKEN},admin,admin,system:masters\n"))?;
    let certificates = folder.join("certificates");
    Ok(Process::new(
        "kube-apiserver",
        folder.join("apiserver.log"),
        move || {
            let mut command = Command::new(&program);
            command
                .arg(format!("--etcd-servers=http://127.0.0.1:{etcd}"))
                .arg(format!("--secure-port={port}"))
                .args(["--bind-address=127.0.0.1", "--authorization-mode=RBAC"])
                .args(["--service-cluster-ip-range=10.0.0.0/16"])
                .args(["--disable-admission-plugins=ServiceAccount"])
                .args(["--service-account-issuer=https://kubernetes.invalid"])
                .arg(format!("--service-account-key-file={}", key.display()))
                .arg(format!(
                    "--service-account-signing-key-file={}",
                    key.display()
                ))
                .arg(format!("--token-auth-file={}", tokens.display()))
                .arg(format!("--cert-dir={}", certificates.display()));
            command
        },
    ))
}
