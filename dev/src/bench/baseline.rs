//! The yardstick: a native axum server that creates a task with the same checks and the same statement, prepared once.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use domain::json::Json;
use domain::task::NewTask;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use tokio_postgres::NoTls;
use uuid::Uuid;

use super::tokens::{ISSUER, key};

/// As many connections as Spin keeps per address.
const POOL: usize = 64;
const MAX_BODY: usize = 256 * 1024;

struct Server {
    pool: Pool,
    key: DecodingKey,
    rules: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: Uuid,
}

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    #[arg(long, env = "TOKEN_KEYS", hide_env_values = true)]
    token_keys: String,
}

/// Serves `POST /api/tasks` until the process ends.
pub async fn serve(arguments: Arguments) -> Result<()> {
    let Arguments {
        listen,
        database_url,
        token_keys,
    } = arguments;
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = Manager::from_config(database_url.parse()?, NoTls, recycling);
    let (_, secret) = key(&token_keys)?;
    let mut rules = Validation::new(Algorithm::HS256);
    rules.leeway = 5;
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[ISSUER]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let server = Arc::new(Server {
        pool: Pool::builder(manager).max_size(POOL).build()?,
        key: DecodingKey::from_secret(&secret),
        rules,
    });
    let app = Router::new()
        .route("/api/tasks", post(create))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(server);
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        stream.set_nodelay(true).ok();
    });
    Ok(axum::serve(listener, app).await?)
}

async fn create(State(server): State<Arc<Server>>, headers: HeaderMap, body: Bytes) -> Response {
    match server.create(&headers, &body).await {
        Ok(response) => response,
        Err((status, reason)) => (status, reason).into_response(),
    }
}

type Refusal = (StatusCode, String);

impl Server {
    async fn create(&self, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
        let user = self
            .caller(headers)
            .ok_or((StatusCode::UNAUTHORIZED, String::new()))?;
        let body =
            Json::parse(body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
        let task = NewTask::parse(body)
            .map_err(|faults| (StatusCode::UNPROCESSABLE_ENTITY, format!("{faults:?}")))?;
        let context = format!(
            r#""correlationid":"{}","causationid":null,"traceparent":null"#,
            Uuid::new_v4()
        );
        let actor = format!(r#"{{"type":"user","id":"{user}"}}"#);
        let none: Option<String> = None;
        let unavailable =
            |error: &dyn std::fmt::Display| (StatusCode::SERVICE_UNAVAILABLE, error.to_string());
        let client = self.pool.get().await.map_err(|error| unavailable(&error))?;
        let statement = client
            .prepare_cached(include_str!("../../../functions/api/src/tasks/create.sql"))
            .await
            .map_err(|error| unavailable(&error))?;
        let rate = [format!("write/{user}").as_str(), "1000000", "1", "1"]
            .map(str::to_owned)
            .to_vec();
        let due = task.due.as_ref().map(domain::due::Due::to_json);
        let row = client
            .query_one(
                &statement,
                &[
                    &user.to_string(),
                    &task.id.map(|id| id.to_string()),
                    &task.title.into_string(),
                    &task.description.into_string(),
                    &task.status.as_str(),
                    &task.priority.as_str(),
                    &task.tags.into_vec(),
                    &due,
                    &none,
                    &context,
                    &actor,
                    &none,
                    &none,
                    &rate,
                ],
            )
            .await
            .map_err(|error| unavailable(&error))?;
        let status: i32 = row.get("status");
        if status != 201 {
            return Err((StatusCode::CONFLICT, format!("status {status}")));
        }
        let version: i64 = row.get("version");
        let location: String = row.get("location");
        let answer: String = row.get("body");
        let headers = [
            (header::CONTENT_TYPE, "application/json".to_owned()),
            (header::LOCATION, location),
            (header::ETAG, format!("\"{version}\"")),
        ];
        Ok((StatusCode::CREATED, headers, answer).into_response())
    }

    fn caller(&self, headers: &HeaderMap) -> Option<Uuid> {
        let token = headers
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .strip_prefix("Bearer ")?;
        let data = jsonwebtoken::decode::<Claims>(token, &self.key, &self.rules).ok()?;
        Some(data.claims.sub)
    }
}
