//! The curl examples in README.md and docs/sync.md work, and the API serves its OpenAPI document and the page that shows it.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tests::client::Requests;
use tests::fixture::Fixture;
use tokio::process::Command;

/// The address of the API in the examples.
const DOCUMENTED: &str = "http://127.0.0.1:3000";

/// The `sh` blocks with curl as one script, because later blocks use variables that earlier ones set.
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

pub async fn readme_examples_run(fixture: &mut Fixture) -> Result<()> {
    run_examples(fixture, "README.md").await?;
    Ok(())
}

/// The example in docs/sync.md ends as the document says.
pub async fn sync_example_runs(fixture: &mut Fixture) -> Result<()> {
    let output = run_examples(fixture, "docs/sync.md").await?;
    let last = output.rsplit("{\"id\":").next().unwrap_or_default();
    for part in [
        r#""title":"Water the roses""#,
        r#""tags":["home","garden"]"#,
        r#""version":5"#,
    ] {
        ensure!(last.contains(part), "no {part}: {output}");
    }
    for result in ["applied", "conflict"] {
        let part = format!(r#""result":"{result}""#);
        ensure!(output.contains(&part), "no {part}: {output}");
    }
    Ok(())
}

/// Runs the examples of a document, given from the root of the repository. Returns what they print.
async fn run_examples(fixture: &Fixture, document: &str) -> Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join(document))?;
    let script = script(&text).replace(DOCUMENTED, fixture.api.base());
    ensure!(
        script.contains(fixture.api.base()),
        "{document} has no curl example on {DOCUMENTED}"
    );
    // By default curl exits with 0 when the API rejects a request.
    let strict = format!(
        "set -eu\ncurl() {{ command curl --fail-with-body --show-error \"$@\"; }}\n{script}"
    );
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", &strict])
        .stdin(Stdio::null())
        .output()
        .await
        .context("running bash")?;
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(
        output.status.success(),
        "an example of {document} fails:\n{stdout}\n{stderr}"
    );
    ensure!(
        !stdout.contains("problem+json") && !stdout.contains("\"status\":4"),
        "an example of {document} is rejected:\n{stdout}"
    );
    Ok(stdout.into_owned())
}

pub async fn the_api_serves_its_document(fixture: &mut Fixture) -> Result<()> {
    for path in ["/api/openapi.json", "/api/docs"] {
        // The client checks everything else in the response against the OpenAPI document.
        let first = fixture.api.get(path).send().await?.expect(200)?;
        let tag = first.header("etag").context("the response has no ETag")?;
        let again = fixture.api.get(path).header("if-none-match", tag);
        again.send().await?.expect(304)?;
        let other = fixture.api.get(path).header("if-none-match", "\"other\"");
        let other = other.send().await?.expect(200)?;
        ensure!(other.body == first.body, "{path}: two responses differ");
        ensure!(
            first.header("cache-control") == Some("public, max-age=300"),
            "{:?}",
            first.headers
        );
    }
    Ok(())
}
