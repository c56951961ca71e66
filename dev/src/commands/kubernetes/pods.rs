//! What `components/spin-pods` makes of a Deployment like those of SpinKube's operator.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::cluster::Cluster;

/// A new policy takes a moment.
const LIMIT: Duration = Duration::from_secs(10);

/// Applies the policy, and a Deployment twice.
///
/// # Errors
/// The policy does not add what it should, takes something away, or changes its own work.
pub async fn check(cluster: &Cluster, k8s: &Path) -> Result<()> {
    let read = |file: &str| std::fs::read_to_string(k8s.join(file)).context(file.to_owned());
    let policy = read("components/spin-pods/policy.yaml")?;
    let deployment = read("tests/operator-deployment.yaml")?;
    cluster.apply(&policy, &[]).await?;
    let until = Instant::now() + LIMIT;
    let mut first = pods(cluster, &deployment).await?;
    while !has(&first, "SPIN_VARIABLE_INSTANCE") {
        ensure!(
            Instant::now() < until,
            "the policy adds no instance: {first:#}"
        );
        first = pods(cluster, &deployment).await?;
    }
    ensure!(
        has(&first, "SPIN_VARIABLE_API_URL"),
        "the policy takes variables away: {first:#}"
    );
    ensure!(
        first.pointer("/topologySpreadConstraints/0").is_some(),
        "the policy spreads no pods: {first:#}"
    );
    let pause = first.pointer("/containers/0/lifecycle/preStop/sleep/seconds");
    ensure!(
        pause.is_some(),
        "the policy gives pods no time before they stop: {first:#}"
    );
    let second = pods(cluster, &deployment).await?;
    ensure!(
        first == second,
        "applied again, {first:#} becomes {second:#}"
    );
    Ok(())
}

/// The pods of the Deployment as the API server stores them.
async fn pods(cluster: &Cluster, deployment: &str) -> Result<Value> {
    let applied = cluster.apply(deployment, &["-o", "json"]).await?.out;
    let object: Value = serde_json::from_str(&applied)?;
    let pods = object.pointer("/spec/template/spec");
    Ok(pods.context("a Deployment without pods")?.clone())
}

fn has(pods: &Value, variable: &str) -> bool {
    let env = pods.pointer("/containers/0/env").and_then(Value::as_array);
    let mut names = env.into_iter().flatten().filter_map(|one| one.get("name"));
    names.any(|name| name == variable)
}
