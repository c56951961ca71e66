//! The embedded Spin host: runs `spin.toml` and its WebAssembly functions where there is no spin CLI, one capability a file.
use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub mod command;
mod component;
mod cron;
mod guest;
mod http;
mod manifest;
mod outbound;
mod outbound_http;
mod outbound_redis;
mod output;
mod postgres;
mod redis;
mod settings;
mod variables;
mod wit;

use component::Workshop;
use guest::Function;
use manifest::Manifest;
use outbound::AllowedHosts;
use postgres::pool::Pools;
use settings::Settings;
use variables::Variables;

/// What a run needs to know beside the manifest.
#[derive(Debug, Clone)]
pub struct Options {
    pub manifest: PathBuf,
    /// Where the HTTP triggers are served; port 0 takes a free one, which is printed.
    pub listen: SocketAddr,
    /// Where compiled components are kept between runs.
    pub cache: PathBuf,
    /// Where `SPIN_VARIABLE_<NAME>` is looked up: the process's environment, as a rule.
    pub environment: HashMap<String, String>,
}

/// Runs the application until `shutdown`, or until a trigger ends as it does when Redis goes away: then, as on Spin, all of it ends.
/// Requests in flight are cut off in both cases.
pub async fn run(options: Options, shutdown: impl Future<Output = ()>) -> Result<()> {
    let manifest = Manifest::read(&options.manifest)?;
    let variables = Variables::resolve(&manifest.variables, &options.environment)?;
    let mut triggers = start(&options, &manifest, &variables).await?;
    tokio::select! {
        () = shutdown => Ok(()),
        ended = triggers.join_next() => match ended {
            Some(ended) => ended.context("a trigger panicked")?,
            None => bail!("the application {} has no triggers", manifest.application.name),
        },
    }
}

async fn start(
    options: &Options,
    manifest: &Manifest,
    variables: &Variables,
) -> Result<JoinSet<Result<()>>> {
    let http_triggers = manifest.http_triggers()?;
    let redis_triggers = manifest.redis_triggers()?;
    let cron_triggers = manifest.cron_triggers()?;
    let used: BTreeSet<&str> = (http_triggers
        .iter()
        .map(|trigger| trigger.component.as_str()))
    .chain(
        redis_triggers
            .iter()
            .map(|trigger| trigger.component.as_str()),
    )
    .chain(
        cron_triggers
            .iter()
            .map(|trigger| trigger.component.as_str()),
    )
    .collect();

    // Bound before anything compiles, so that a port in use is known at once; and functions may call the application itself.
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = listener.local_addr()?;
    let workshop = Workshop::new(options.cache.clone())?;
    let pools = Arc::new(Pools::default());
    let mut functions = HashMap::new();
    for name in used {
        let function = load(&workshop, &pools, address, manifest, variables, name)
            .with_context(|| format!("component `{name}`"))?;
        functions.insert(name.to_owned(), Arc::new(function));
    }

    let mut triggers = JoinSet::new();
    if !redis_triggers.is_empty() {
        let servers = redis::servers(manifest, redis_triggers, variables, &functions)?;
        for (address, channels) in servers {
            triggers.spawn(redis::listen(address, channels));
        }
    }
    for trigger in cron_triggers {
        triggers.spawn(cron::tick(
            cron::schedule(&trigger)?,
            find(&functions, &trigger.component)?,
        ));
    }
    if !http_triggers.is_empty() {
        let router = http::Router::new(http_triggers, &functions)?;
        triggers.spawn(http::serve(listener, router));
    }
    Ok(triggers)
}

fn load(
    workshop: &Workshop,
    pools: &Arc<Pools>,
    itself: SocketAddr,
    manifest: &Manifest,
    variables: &Variables,
    name: &str,
) -> Result<Function> {
    let component = manifest
        .component
        .get(name)
        .context("a trigger names it, but the manifest has no such component")?;
    let own = component
        .variables
        .iter()
        .map(|(key, template)| Ok((key.clone(), variables.expand(template)?)));
    let allowed = component
        .allowed_outbound_hosts
        .iter()
        .map(|host| variables.expand(host))
        .collect::<Result<Vec<_>>>()?;
    let settings = Settings {
        name: name.into(),
        variables: own.collect::<Result<_>>()?,
        environment: component.environment.clone().into_iter().collect(),
        allowed: AllowedHosts::parse(&allowed)?,
        pools: pools.clone(),
        itself,
    };
    let pre = workshop.load(&manifest.folder.join(&component.source))?;
    Ok(Function::new(settings, pre))
}

fn find(functions: &HashMap<String, Arc<Function>>, name: &str) -> Result<Arc<Function>> {
    functions
        .get(name)
        .cloned()
        .with_context(|| format!("no component `{name}`"))
}
