//! The application, whose triggers reach Redis through a proxy. Its functions reach Redis directly.

use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use serde_json::Value;
use stage::child::Child;
use stage::components::{self, Profile};
use stage::proxy::Proxy;
use stage::services::Redis;
use stage::{ports, system};

use super::LANES;

/// How long the application may take to start.
const START_LIMIT: Duration = Duration::from_secs(60);
/// A Postgres that is away.
const NO_POSTGRES: &str = "postgres://nobody@127.0.0.1:1/spindle?connect_timeout=1";

pub struct App {
    host: Child,
    url: String,
}

impl App {
    pub async fn start(folder: &Path, redis: &Redis, subscriptions: &Proxy) -> Self {
        let root = system::workspace();
        build(&root);
        let target = components::target(&root);
        let manifest = fs::read_to_string(root.join("spin.toml"))
            .unwrap()
            .replace("\"target/", &format!("\"{}/", target.display()))
            .replace(
                "address = \"{{ redis_url }}/",
                &format!("address = \"redis://{}/", subscriptions.address()),
            );
        let path = folder.join("spin.toml");
        fs::write(&path, manifest).unwrap();
        let address = format!("127.0.0.1:{}", ports::free().unwrap());
        let mut command = Command::new(components::program(&root, Profile::Gate, "host"));
        command
            .args(["--listen", &address])
            .arg("--manifest")
            .arg(&path)
            .arg("--cache")
            .arg(root.join("target/spin-cache"))
            .env("SPIN_VARIABLE_REDIS_ADDRESS", redis.address())
            .env("SPIN_VARIABLE_REDIS_URL", redis.url())
            .env("SPIN_VARIABLE_API_DATABASE_URL", NO_POSTGRES)
            .env("SPIN_VARIABLE_AGENT_DATABASE_URL", NO_POSTGRES)
            .env("SPIN_VARIABLE_TOKEN_KEYS", "unused")
            .env("SPIN_VARIABLE_SERVICE_KEYS", "unused");
        let host = Child::spawn("host", command, &folder.join("host.log")).unwrap();
        host.ready(START_LIMIT, || async {
            let output = host.output();
            output.contains("Serving http://")
                && output.matches("Listening on").count() == LANES.len()
        })
        .await
        .unwrap();
        Self {
            url: format!("http://{address}/internal/lanes"),
            host,
        }
    }

    /// Asks for the health of the lanes: the status, and the body.
    pub async fn health(&self) -> (u16, Value) {
        let answer = reqwest::get(&self.url).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub fn is_running(&self) -> bool {
        self.host.is_running()
    }
}

/// Builds the host and the functions, unless `cargo dev test` has done so.
fn build(root: &Path) {
    if env::var_os("SPINDLE_ROOT").is_none() {
        components::build_programs(root, Profile::Gate, &["host"]).unwrap();
        components::build_wasm(root, &components::packages(root).unwrap()).unwrap();
    }
}
