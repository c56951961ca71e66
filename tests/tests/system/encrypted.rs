//! All connections to Redis with TLS: of the bridge, of Redis triggers, and of functions.

use anyhow::{Context, Result};
use serde_json::json;
use stage::certificates::Authority;
use stage::scratch::Scratch;
use stage::services::Redis;
use tests::client::text;
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::{settings, wait};

use crate::series::{appears, complete};

pub async fn redis_with_tls(_: &mut Fixture) -> Result<()> {
    let folder = Scratch::new("redis-tls")?;
    let authority = Authority::new(folder.path(), "authority")?;
    let certificate = authority.sign("redis", &["127.0.0.1"])?;
    let redis = Redis::start_with_tls(folder.path(), &certificate, &authority.file).await?;
    let url = redis.tls_url()?.parse()?;
    let trusted = authority.file.display().to_string();
    let (system, api, _data) = settings::start_with(&[], |options| {
        options.external.redis = Some(url);
        options
            .bridge_env
            .push(("REDIS_CA_FILE".to_owned(), trusted.clone()));
        // The functions trust what the system trusts.
        options.host_env.push(("SSL_CERT_FILE".to_owned(), trusted));
    })
    .await?;
    let user = api.new_user("UTC").await?;
    let daily = json!({"title": "Water the plants", "due": {"date": "2090-03-01"}, "recurrence": {"rule": "FREQ=DAILY"}});
    let task = user.create(daily).await?;
    let done = complete(&user, &task).await?;
    appears(&user, &done["next"]["id"]).await?;
    let path = format!(
        "/api/audit?task_id={}&type=task.completed",
        text(&task, "id")?
    );
    wait::until(
        "the completion is on the trail",
        DELIVERY_LIMIT,
        async || {
            let entries = user.pages(&path).await?;
            Ok((entries.len() == 1).then_some(()))
        },
    )
    .await?;
    let lanes = reqwest::get(format!("{}/internal/lanes", system.api_url())).await?;
    lanes
        .error_for_status()
        .context("the health check of lanes")?;
    system.stop().await;
    Ok(())
}
