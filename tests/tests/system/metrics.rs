//! The metrics that `k8s/` names, in what a running system exposes.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use tests::client::{Api, Requests};
use tests::fixture::Fixture;
use tests::wait;

/// What all metrics of the bridge begin with.
const PREFIX: &str = "spindle_";
/// The bridge measures lags every few seconds.
const LIMIT: Duration = Duration::from_secs(30);

pub async fn metrics_that_scaling_needs(fixture: &mut Fixture) -> Result<()> {
    let components = Path::new(env!("CARGO_MANIFEST_DIR")).join("../k8s/components");
    let mut selectors = Vec::new();
    for file in ["autoscaling/agents.yaml", "monitors/monitors.yaml"] {
        let text = std::fs::read_to_string(components.join(file))?;
        selectors.extend(text.split(PREFIX).skip(1).map(Selector::parse));
    }
    ensure!(!selectors.is_empty(), "k8s/ names no metric");
    let bridge = Api::new(&fixture.system.bridge_url(0)?)?;
    for selector in selectors {
        wait::until(&format!("{selector:?}"), LIMIT, async || {
            let scraped = bridge.get("/metrics").send().await?.expect(200)?;
            let scraped = String::from_utf8(scraped.body)?;
            Ok(selector.selects(&scraped).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// A metric in a query of Prometheus, `name{label="value",…}`.
#[derive(Debug)]
struct Selector {
    name: String,
    labels: Vec<String>,
}

impl Selector {
    /// The selector that the text after the prefix begins with.
    fn parse(text: &str) -> Self {
        let end =
            text.find(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        let labels = rest
            .strip_prefix('{')
            .and_then(|rest| rest.split('}').next());
        Self {
            name: format!("{PREFIX}{name}"),
            labels: labels
                .into_iter()
                .flat_map(|labels| labels.split(','))
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Whether a line of a scrape has the metric with all labels.
    fn selects(&self, scraped: &str) -> bool {
        scraped.lines().any(|line| {
            let rest = line.strip_prefix(&self.name);
            let rest = rest.filter(|rest| rest.starts_with(['{', ' ']));
            rest.is_some_and(|rest| self.labels.iter().all(|label| rest.contains(label)))
        })
    }
}
