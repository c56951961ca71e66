//! The HTTP server of the bridge: `/healthz` (alive), `/readyz` and `/readyz/<part>` (ready), and `/metrics` (Prometheus).

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::metrics::Metrics;

/// Serves until `stop` is cancelled.
///
/// # Errors
/// When the listener fails.
pub async fn run(
    listener: TcpListener,
    health: Health,
    metrics: Metrics,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let app = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readiness))
        .route("/readyz/{part}", get(readiness_of))
        .route("/metrics", get(metrics_text))
        .with_state((health, metrics));
    axum::serve(listener, app)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await?;
    Ok(())
}

/// The parameters of `/readyz`.
#[derive(Deserialize)]
struct Extent {
    exclude: Option<Excluded>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Excluded {
    Lanes,
}

/// 200 if every part is ready, otherwise 503; the body names each part's state. `?exclude=lanes` is for who starts the bridge before the
/// agents, such as a rolling update.
async fn readiness(
    State((health, _)): State<(Health, Metrics)>,
    Query(extent): Query<Extent>,
) -> Response {
    answer(match extent.exclude {
        Some(Excluded::Lanes) => health.report_without_lanes(),
        None => health.report(),
    })
}

/// As `readiness`, for one part; 404 if this bridge does not have it.
async fn readiness_of(
    State((health, _)): State<(Health, Metrics)>,
    Path(part): Path<String>,
) -> Response {
    match health.report_of(&part) {
        Some(report) => answer(report),
        None => (
            StatusCode::NOT_FOUND,
            format!("this bridge has no part {part}\n"),
        )
            .into_response(),
    }
}

fn answer((ready, parts): (bool, BTreeMap<String, String>)) -> Response {
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(serde_json::json!({ "ready": ready, "parts": parts })),
    )
        .into_response()
}

async fn metrics_text(State((_, metrics)): State<(Health, Metrics)>) -> Response {
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
