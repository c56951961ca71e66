//! A Kafka cluster of one node for one system, run with the machine's Java from the artifacts on Maven Central.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nix::sys::signal::Signal;
use tokio::net::TcpStream;

use super::install;
use super::kafka_acl::{Resource, Right};
use crate::child::{Child, Process};
use crate::{ports, progress};

const VERSION: &str = "4.1.1";
const POM: &str = include_str!("kafka.pom.xml");
const ADVICE: &str = "Kafka needs Java 17 and Maven: `apt-get install default-jre-headless maven`, `brew install openjdk maven`; or `docker run -p 9092:9092 apache/kafka:4.1.1` and set KAFKA_BROKERS";
/// The broker prints this once it has joined the cluster.
const STARTED: &str = "Kafka Server started";

/// What a broker has besides its ordinary listener, for tests that need it.
#[derive(Debug, Default)]
pub struct KafkaOptions {
    /// For each of these ports, a listener that the broker advertises at the port. A test runs a proxy there: clients reach the
    /// broker through the proxy alone. [`Kafka::behind`] names the address behind it. If the broker is restricted, it is for the user
    /// `bridge` alone.
    pub advertised: Vec<u16>,
    /// A listener for the user `bridge` (password `bridge`, SASL PLAIN), who has no right until it is granted, see [`Right`].
    pub restricted: bool,
    /// Listeners that protect their connections. [`Kafka::listener`] has their addresses.
    pub listeners: Vec<Listener>,
    /// Users of SCRAM, in the form of Kafka's option `--add-scram`.
    pub scram: Vec<String>,
    /// System properties of the broker's Java, as `name=value`.
    pub java: Vec<String>,
}

/// A listener of a broker.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Its name, in capital letters.
    pub name: &'static str,
    /// What protects its connections, such as `SASL_SSL`.
    pub protocol: &'static str,
    /// Its settings, without the part `listener.name.….` that Kafka wants before their names.
    pub settings: Vec<(&'static str, String)>,
}

/// A broker that is its own controller. It keeps its ports and its data when it is restarted.
pub struct Kafka {
    port: u16,
    behind: Vec<u16>,
    restricted: Option<u16>,
    listeners: Vec<(&'static str, u16)>,
    process: Process,
}

impl Kafka {
    /// Starts a broker with its data in `dir`.
    pub async fn start(dir: impl AsRef<Path>) -> Result<Self> {
        Self::start_with(dir, &KafkaOptions::default()).await
    }

    /// Starts a broker with its data in `dir` and with further listeners.
    pub async fn start_with(dir: impl AsRef<Path>, options: &KafkaOptions) -> Result<Self> {
        let dir = dir.as_ref();
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let (java, lib) = tokio::task::spawn_blocking(jars).await??;
        let port = ports::remembered(&dir.join("port"))?;
        let controller = ports::remembered(&dir.join("controller-port"))?;
        let properties = dir.join("server.properties");
        let behind: Vec<u16> = options
            .advertised
            .iter()
            .map(|advertised| ports::remembered(&dir.join(format!("behind-{advertised}"))))
            .collect::<Result<_>>()?;
        let restricted = options
            .restricted
            .then(|| ports::remembered(&dir.join("restricted-port")))
            .transpose()?;
        let mut extra = Extra::new(&options.advertised, &behind, restricted);
        let mut listeners = Vec::new();
        for listener in &options.listeners {
            let port = ports::remembered(&dir.join(format!("listener-{}", listener.name)))?;
            extra.protect(listener, port);
            listeners.push((listener.name, port));
        }
        let text = server_properties(&dir, port, controller, &extra);
        std::fs::write(&properties, text)?;
        format(&java, &lib, &properties, &dir.join("data"), &options.scram)?;
        let system: Vec<String> = options.java.iter().map(|set| format!("-D{set}")).collect();
        let log = dir.join("kafka.log");
        let process = Process::new("kafka", log, move || {
            let mut command = run_java(&java, &lib);
            command
                .args(&system)
                .arg("kafka.Kafka")
                .arg(&properties)
                .current_dir(&dir);
            command
        });
        let kafka = Self {
            port,
            behind,
            restricted,
            listeners,
            process,
        };
        kafka.launch().await?;
        Ok(kafka)
    }

    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Address behind each advertised port, in the order of [`KafkaOptions::advertised`].
    pub fn behind(&self) -> Vec<String> {
        let ports = self.behind.iter();
        ports.map(|port| format!("127.0.0.1:{port}")).collect()
    }

    /// Address of the listener for the user `bridge`.
    pub fn restricted(&self) -> Option<String> {
        self.restricted.map(|port| format!("127.0.0.1:{port}"))
    }

    /// Address of a listener of [`KafkaOptions::listeners`].
    pub fn listener(&self, name: &str) -> Option<String> {
        let (_, port) = self.listeners.iter().find(|(known, _)| *known == name)?;
        Some(format!("127.0.0.1:{port}"))
    }

    /// Grants the user `bridge` every right.
    pub async fn grant_everything(&self) -> Result<()> {
        for kind in [Resource::Topic, Resource::Group, Resource::Cluster] {
            Right::everything(kind).add(&self.brokers()).await?;
        }
        Ok(())
    }

    pub fn process(&self) -> &Process {
        &self.process
    }

    pub fn child(&self) -> Option<Arc<Child>> {
        self.process.child()
    }

    /// Starts it again with the same port and data, after `kill` or `stop`.
    pub async fn launch(&self) -> Result<()> {
        let child = self.process.launch()?;
        let brokers = self.brokers();
        child
            .ready(Duration::from_secs(90), || async {
                child.output().contains(STARTED) && TcpStream::connect(&brokers).await.is_ok()
            })
            .await
    }

    pub async fn kill(&self) {
        self.process.kill().await;
    }

    pub async fn stop(&self) {
        self.process
            .stop(Signal::SIGTERM, Duration::from_secs(30))
            .await;
    }

    pub async fn restart(&self) -> Result<()> {
        self.stop().await;
        self.launch().await
    }
}

/// The Java program and the folder with Kafka's jars. The first call on a machine downloads the jars from Maven Central.
pub fn jars() -> Result<(PathBuf, PathBuf)> {
    let packages = ["default-jre-headless", "maven"];
    let brew: Vec<PathBuf> = [
        "/opt/homebrew/opt/openjdk/bin",
        "/usr/local/opt/openjdk/bin",
    ]
    .map(PathBuf::from)
    .to_vec();
    let java = install::ensure(|| install::find("java", &brew), &packages, ADVICE)?;
    let cache = install::cache(&format!("kafka-{VERSION}"))?;
    let lib = cache.join("lib");
    if lib.is_dir() {
        return Ok((java, lib));
    }
    let mvn = install::ensure(|| install::find("mvn", &[]), &packages, ADVICE)?;
    progress::step(format!(
        "downloading Apache Kafka {VERSION} from Maven Central into {}",
        cache.display()
    ));
    // Several processes may do this at once. Each downloads into a folder of its own, and the first rename wins.
    let own = cache.join(format!("download-{}", std::process::id()));
    std::fs::create_dir_all(&own)?;
    std::fs::write(own.join("pom.xml"), POM.replace("@VERSION@", VERSION))?;
    let output = Command::new(mvn)
        .args(["--batch-mode", "--quiet", "dependency:copy-dependencies"])
        .args(["-DincludeScope=runtime", "-DoutputDirectory=lib"])
        .current_dir(&own)
        .stdin(Stdio::null())
        .output()
        .context("running mvn")?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let printed: Vec<&str> = printed.lines().take(8).collect();
        bail!(
            "mvn could not download Kafka from Maven Central (set KAFKA_BROKERS to use another): {}",
            printed.join("\n")
        );
    }
    if std::fs::rename(own.join("lib"), &lib).is_err() && !lib.is_dir() {
        bail!("cannot put Kafka's jars into {}", lib.display());
    }
    let _ = std::fs::remove_dir_all(&own);
    Ok((java, lib))
}

fn run_java(java: &Path, lib: &Path) -> Command {
    let mut command = Command::new(java);
    command
        .args(["-Xmx512m", "-Xms128m", "-XX:+UseSerialGC"])
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        .arg("-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info")
        .arg("-Dorg.slf4j.simpleLogger.showDateTime=true")
        .arg("-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS")
        .arg("-cp")
        .arg(lib.join("*"));
    command
}

/// The parts of the properties that further listeners add.
#[derive(Default)]
struct Extra {
    listeners: String,
    advertised: String,
    protocols: String,
    more: String,
}

impl Extra {
    fn new(advertised: &[u16], behind: &[u16], restricted: Option<u16>) -> Self {
        let mut extra = Self::default();
        for (number, (advertised, behind)) in advertised.iter().zip(behind).enumerate() {
            let name = format!("BEHIND{number}");
            if restricted.is_some() {
                extra.restrict(&name, *behind, *advertised);
            } else {
                extra.listen(&name, *behind, *advertised, "PLAINTEXT");
            }
        }
        if let Some(port) = restricted {
            extra.restrict("RESTRICTED", port, port);
            extra
                .more
                .push_str(include_str!("kafka.restricted.properties"));
        }
        extra
    }

    /// Adds a listener for the user `bridge`.
    fn restrict(&mut self, name: &str, port: u16, advertised: u16) {
        self.listen(name, port, advertised, "SASL_PLAINTEXT");
        self.more.push_str(&format!(
            include_str!("kafka.login.properties"),
            name.to_lowercase()
        ));
    }

    fn protect(&mut self, listener: &Listener, port: u16) {
        self.listen(listener.name, port, port, listener.protocol);
        let prefix = format!("listener.name.{}", listener.name.to_lowercase());
        for (name, value) in &listener.settings {
            self.more.push_str(&format!("{prefix}.{name}={value}\n"));
        }
    }

    fn listen(&mut self, name: &str, port: u16, advertised: u16, protocol: &str) {
        self.listeners
            .push_str(&format!(",{name}://127.0.0.1:{port}"));
        self.advertised
            .push_str(&format!(",{name}://127.0.0.1:{advertised}"));
        self.protocols.push_str(&format!(",{name}:{protocol}"));
    }
}

fn server_properties(dir: &Path, port: u16, controller: u16, extra: &Extra) -> String {
    format!(
        include_str!("kafka.properties"),
        port = port,
        controller = controller,
        data = dir.join("data").display(),
        listeners = extra.listeners,
        advertised = extra.advertised,
        protocols = extra.protocols,
        more = extra.more,
    )
}

fn format(java: &Path, lib: &Path, properties: &Path, data: &Path, scram: &[String]) -> Result<()> {
    if data.join("meta.properties").is_file() {
        return Ok(());
    }
    let cluster = URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().as_bytes());
    let output = run_java(java, lib)
        .args([
            "kafka.tools.StorageTool",
            "format",
            "--standalone",
            // One argument, because an id may begin with a hyphen.
            &format!("--cluster-id={cluster}"),
            "-c",
        ])
        .arg(properties)
        .args(scram.iter().flat_map(|user| ["--add-scram", user.as_str()]))
        .stdin(Stdio::null())
        .output()
        .context("formatting Kafka's storage")?;
    if !output.status.success() {
        bail!(
            "formatting Kafka's storage failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
