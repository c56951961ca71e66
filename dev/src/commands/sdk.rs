//! `cargo dev sdk`: generates clients from the OpenAPI document, one in Python and one in TypeScript, and runs the README's story with
//! each against a system of its own.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;
use stage::components::{self, Profile};
use stage::progress;
use stage::scratch::Scratch;
use stage::system::{self, LogKind, Runtime, System, SystemOptions};

use super::{group, python};

pub async fn run() -> Result<ExitCode> {
    super::until_stopped(async { sdk().await.map(|()| true) }).await
}

async fn sdk() -> Result<()> {
    let root = system::workspace();
    let folder = root.join("tests/sdk");
    // The download waits for the network, so it runs during the build.
    let install = tokio::task::spawn_blocking({
        let (root, requirements) = (root.clone(), folder.join("requirements.txt"));
        move || python::environment(&root, "sdk", &requirements)
    });
    super::build(&root, Profile::Gate, &Runtime::Embedded).await?;
    let programs = install.await??;
    let scratch = Scratch::new("sdk")?;
    let system = System::start(SystemOptions {
        built: true,
        ..SystemOptions::new(scratch.path(), LogKind::Postgres)
    })
    .await?;
    let url = system.api_url();
    let document = scratch.path().join("openapi.json");
    let served = reqwest::get(format!("{url}/api/openapi.json")).await?;
    std::fs::write(&document, served.error_for_status()?.bytes().await?)?;

    progress::step("a client in Python");
    let client = scratch.path().join("python");
    let mut generate = Command::new(programs.join("openapi-python-client"));
    generate
        .args(["generate", "--overwrite", "--path"])
        .arg(&document)
        .arg("--output-path")
        .arg(&client)
        .arg("--config")
        .arg(folder.join("generator.yml"));
    group::succeed(generate).await?;
    let mut story = Command::new(programs.join("python"));
    story
        .arg(folder.join("story.py"))
        .arg(&url)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONPATH", &client);
    group::succeed(story).await?;

    progress::step("a client in TypeScript");
    // The packages stay for the next run.
    let client = components::target(&root).join("sdk-typescript");
    std::fs::create_dir_all(&client)?;
    for file in ["package.json", "tsconfig.json", "story.ts"] {
        std::fs::copy(folder.join(file), client.join(file))?;
    }
    let document = document.display().to_string();
    for step in [
        &[
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
        ][..],
        // A member with a default may be left out of a request.
        &[
            "npx",
            "openapi-typescript",
            &document,
            "--output",
            "api.ts",
            "--default-non-nullable",
            "false",
        ],
        &["npx", "tsc"],
        &["node", "story.js", &url],
    ] {
        group::succeed(within(&client, &programs, step)?).await?;
    }
    system.stop().await;
    Ok(())
}

/// A command in this folder, whose program is found among these first.
fn within(folder: &Path, programs: &Path, command: &[&str]) -> Result<Command> {
    let [program, arguments @ ..] = command else {
        anyhow::bail!("a command has a program");
    };
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(programs.to_owned()).chain(std::env::split_paths(&paths));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env("PATH", std::env::join_paths(paths)?);
    Ok(command)
}
