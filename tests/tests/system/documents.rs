//! The curl lines of README.md do what it says they do, and the API's own documents come as they should.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tests::client::Calls;
use tests::stage::World;
use tokio::process::Command;

/// Where README.md's examples expect the API.
const DOCUMENTED: &str = "http://127.0.0.1:3000";

/// The `sh` blocks that use curl, in order: what one sets, the next may use.
fn script(readme: &str) -> String {
    let mut script = String::new();
    for block in readme.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        if block.contains("curl ") {
            script.push_str(block);
        }
    }
    script
}

pub async fn examples_run(world: &mut World) -> Result<()> {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"))?;
    let script = script(&readme).replace(DOCUMENTED, world.api.base());
    ensure!(
        script.contains(world.api.base()),
        "README.md has no curl example on {DOCUMENTED}"
    );
    // A reader sees a refusal in what curl prints; here it must be an exit code.
    let strict = format!(
        "set -eu\ncurl() {{ command curl --fail-with-body --show-error \"$@\"; }}\n{script}"
    );
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", &strict])
        .stdin(Stdio::null())
        .output()
        .await
        .context("bash runs")?;
    let (told, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(output.status.success(), "an example fails:\n{told}\n{said}");
    ensure!(
        !told.contains("problem+json") && !told.contains("\"status\":4"),
        "an example is refused:\n{told}"
    );
    Ok(())
}

pub async fn the_api_describes_itself(world: &mut World) -> Result<()> {
    for path in ["/api/openapi.json", "/api/docs"] {
        // The contract looks at the rest of the answer.
        let first = world.api.get(path).send().await?.expect(200)?;
        let tag = first.header("etag").context("no entity tag")?;
        let again = world.api.get(path).header("if-none-match", tag);
        again.send().await?.expect(304)?;
        let other = world.api.get(path).header("if-none-match", "\"other\"");
        let other = other.send().await?.expect(200)?;
        ensure!(other.body == first.body, "{path} differs from itself");
        ensure!(
            first.header("cache-control") == Some("public, max-age=300"),
            "{:?}",
            first.headers
        );
    }
    Ok(())
}
