//! An application of the guests in `tests/guests`, running on the host as a process of its own.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use stage::child::Child;
use stage::components;
use stage::scratch::Scratch;

pub const LIMIT: Duration = Duration::from_secs(60);

pub struct App {
    child: Child,
    _folder: Scratch,
}

impl App {
    /// Starts the manifest's application and waits until it serves.
    pub async fn start(manifest: &str, environment: &[(&str, &str)]) -> Self {
        let app = Self::launch(manifest, environment);
        app.child
            .ready(LIMIT, || async { app.output().contains("Serving http://") })
            .await
            .unwrap();
        app
    }

    /// Starts it without waiting; what it prints and how it ends is the test's to see.
    pub fn launch(manifest: &str, environment: &[(&str, &str)]) -> Self {
        let folder = Scratch::new("host").unwrap();
        let path = folder.path().join("spin.toml");
        let head =
            "spin_manifest_version = 2\n[application]\nname = \"test\"\nversion = \"0.1.0\"\n";
        let manifest = manifest.replace("WASM", &wasm().to_string_lossy());
        std::fs::write(&path, format!("{head}{manifest}")).unwrap();
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

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        self.child.signal(signal);
    }

    pub fn output(&self) -> String {
        self.child.output()
    }

    /// Its exit code and everything it printed.
    pub async fn ended(&self) -> (Option<i32>, String) {
        let status = tokio::time::timeout(LIMIT, self.child.exited()).await;
        (status.expect("the host does not end").code(), self.output())
    }

    pub fn url(&self, path: &str) -> String {
        let output = self.output();
        let (_, after) = output.split_once("Serving ").unwrap();
        format!("{}{path}", after.lines().next().unwrap())
    }

    pub fn request(&self, path: &str, body: &str) -> reqwest::RequestBuilder {
        reqwest::Client::new()
            .post(self.url(path))
            .body(body.to_owned())
    }

    pub async fn post(&self, path: &str, body: &str) -> reqwest::Response {
        self.request(path, body).send().await.unwrap()
    }

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
        self.signal(nix::sys::signal::Signal::SIGKILL);
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The folder with the guests. `cargo dev test` has built them; a test that cargo alone started builds them once.
fn wasm() -> &'static PathBuf {
    static WASM: OnceLock<PathBuf> = OnceLock::new();
    WASM.get_or_init(|| {
        if std::env::var_os("SPINDLE_ROOT").is_none() {
            components::build_wasm(root(), &components::TEST_GUESTS.map(str::to_owned)).unwrap();
        }
        components::wasm_folder(root())
    })
}
