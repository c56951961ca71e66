//! A test application: its functions come from `tests/guests`, and the host runs it as a separate process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs};

use nix::sys::signal::Signal;
use reqwest::{Client, RequestBuilder, Response};
use stage::child::Child;
use stage::components;
use stage::scratch::Scratch;
use tokio::time::timeout;

/// How long a test waits for anything.
pub const LIMIT: Duration = Duration::from_secs(60);

pub struct App {
    child: Child,
    _folder: Scratch,
}

impl App {
    /// Starts the application and waits until it serves HTTP. `WASM` in the manifest stands for the folder of the
    /// guests.
    pub async fn start(manifest: &str, environment: &[(&str, &str)]) -> Self {
        let app = Self::launch(manifest, environment);
        app.child
            .ready(LIMIT, || async { app.output().contains("Serving http://") })
            .await
            .unwrap();
        app
    }

    /// Starts the application without waiting, for tests of how a start fails.
    pub fn launch(manifest: &str, environment: &[(&str, &str)]) -> Self {
        let folder = Scratch::new("host").unwrap();
        let path = folder.path().join("spin.toml");
        let head =
            "spin_manifest_version = 2\n[application]\nname = \"test\"\nversion = \"0.1.0\"\n";
        let manifest = manifest.replace("WASM", &wasm().to_string_lossy());
        fs::write(&path, format!("{head}{manifest}")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
        command
            .args(["--listen", "127.0.0.1:0", "--manifest"])
            .arg(&path);
        command.arg("--cache").arg(root().join("target/spin-cache"));
        command.envs(environment.iter().copied());
        let child = Child::spawn("host", command, &folder.path().join("host.log")).unwrap();
        Self {
            child,
            _folder: folder,
        }
    }

    pub fn signal(&self, signal: Signal) {
        self.child.signal(signal);
    }

    /// Everything the host has printed so far.
    pub fn output(&self) -> String {
        self.child.output()
    }

    /// Waits until the host has exited; its exit code and everything it printed.
    pub async fn exited(&self) -> (Option<i32>, String) {
        let status = timeout(LIMIT, self.child.exited()).await;
        (status.expect("the host did not exit").code(), self.output())
    }

    pub fn url(&self, path: &str) -> String {
        let output = self.output();
        let (_, after) = output.split_once("Serving ").unwrap();
        format!("{}{path}", after.lines().next().unwrap())
    }

    pub fn request(&self, path: &str, body: &str) -> RequestBuilder {
        Client::new().post(self.url(path)).body(body.to_owned())
    }

    pub async fn post(&self, path: &str, body: &str) -> Response {
        self.request(path, body).send().await.unwrap()
    }

    /// Sends a command to the probe and returns its answer.
    pub async fn ask(&self, command: &str, body: &str) -> String {
        self.post(&format!("/probe/{command}"), body)
            .await
            .text()
            .await
            .unwrap()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The folder with the compiled guests. `cargo dev test` builds them in advance; otherwise the first test does.
fn wasm() -> &'static PathBuf {
    static WASM: OnceLock<PathBuf> = OnceLock::new();
    WASM.get_or_init(|| {
        if env::var_os("SPINDLE_ROOT").is_none() {
            components::build_wasm(root(), &components::TEST_GUESTS.map(str::to_owned)).unwrap();
        }
        components::wasm_folder(root())
    })
}
