//! A Redis server for one system. It persists nothing, because Redis only carries signals.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::install;
use crate::certificates::Signed;
use crate::child::{Child, Process};
use crate::ports;

const ADVICE: &str = "Redis is missing: `apt-get install redis-server`, `brew install redis`, or `docker run -p 6379:6379 redis:7` and set REDIS_URL";

/// A redis-server on a loopback port. It keeps its port when it is restarted.
pub struct Redis {
    port: u16,
    /// The port for connections with TLS.
    tls_port: Option<u16>,
    process: Process,
}

impl Redis {
    /// Starts a server that logs into `dir`.
    pub async fn start(dir: impl AsRef<Path>) -> Result<Self> {
        Self::start_with(dir.as_ref(), None, Vec::new()).await
    }

    /// Starts a server that also takes connections with TLS, and asks clients for no certificate. `authority` is the file of the authority
    /// that signs certificates of clients.
    pub async fn start_with_tls(dir: &Path, own: &Signed, authority: &Path) -> Result<Self> {
        let port = ports::free()?;
        let mut arguments: Vec<OsString> = vec!["--tls-port".into(), port.to_string().into()];
        arguments.extend(["--tls-auth-clients", "no"].map(OsString::from));
        for (setting, file) in [
            ("--tls-cert-file", own.certificate.as_path()),
            ("--tls-key-file", own.key.as_path()),
            ("--tls-ca-cert-file", authority),
        ] {
            arguments.extend([setting.into(), file.into()]);
        }
        Self::start_with(dir, Some(port), arguments).await
    }

    async fn start_with(
        dir: &Path,
        tls_port: Option<u16>,
        arguments: Vec<OsString>,
    ) -> Result<Self> {
        let dir = dir.to_owned();
        std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
        let server = install::ensure(
            || {
                install::find(
                    "redis-server",
                    &["/opt/homebrew/bin".into(), "/usr/local/bin".into()],
                )
            },
            &["redis-server"],
            ADVICE,
        )?;
        let port = ports::remembered(&dir.join("port"))?;
        let log = dir.join("redis.log");
        let process = Process::new("redis", log, move || {
            let mut command = Command::new(&server);
            command
                .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
                .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
                .args(&arguments)
                .current_dir(&dir);
            command
        });
        let redis = Self {
            port,
            tls_port,
            process,
        };
        redis.launch().await?;
        Ok(redis)
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// The URL for connections with TLS.
    pub fn tls_url(&self) -> Result<String> {
        let port = self.tls_port.context("this Redis has no TLS")?;
        Ok(format!("rediss://127.0.0.1:{port}"))
    }

    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Starts it again on the same port, after `kill` or `stop`.
    pub async fn launch(&self) -> Result<()> {
        let child = self.process.launch()?;
        let address = self.address();
        child
            .ready(Duration::from_secs(20), || answers(&address))
            .await
    }

    pub async fn kill(&self) {
        self.process.kill().await;
    }

    pub async fn stop(&self) {
        self.process
            .stop(Signal::SIGTERM, Duration::from_secs(5))
            .await;
    }

    pub async fn restart(&self) -> Result<()> {
        self.stop().await;
        self.launch().await
    }

    pub fn child(&self) -> Option<std::sync::Arc<Child>> {
        self.process.child()
    }
}

/// Whether a Redis server answers PING at this address.
pub async fn answers(address: &str) -> bool {
    let ping = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    matches!(ping.await, Ok(answer) if &answer == b"+PONG")
}
