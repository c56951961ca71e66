//! The baseline: a native axum server that creates and reads tasks with the API's checks and statements. Each connection prepares
//! a statement once.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use domain::json::Json;
use domain::task::NewTask;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use stage::task_list::{STATEMENT, TaskList, rate};
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};
use uuid::Uuid;

use super::tokens::{ISSUER, key};

/// The size of Spin's connection pool for one address.
const POOL: usize = 64;
const MAX_BODY: usize = 256 * 1024;

struct Server {
    pool: Pool,
    key: DecodingKey,
    validation: Validation,
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

/// Serves the baseline until the process ends.
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
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 5;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let server = Arc::new(Server {
        pool: Pool::builder(manager).max_size(POOL).build()?,
        key: DecodingKey::from_secret(&secret),
        validation,
    });
    let app = Router::new()
        .route("/api/tasks", get(list).post(create))
        .route("/api/tasks/{id}", get(read))
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

type Refusal = (StatusCode, String);

fn unavailable(error: impl std::fmt::Display) -> Refusal {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

async fn create(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    server.create(&headers, &body).await
}

#[derive(Deserialize)]
struct ListQuery {
    q: Option<String>,
}

/// The newest tasks, or the best matches of a search for plain words.
async fn list(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Query(query): Query<ListQuery>,
) -> Result<Response, Refusal> {
    let user = server.caller(&headers)?.to_string();
    let list = match query.q {
        None => TaskList::newest(),
        Some(typed) => {
            let mut terms: Vec<String> = typed
                .split_whitespace()
                .map(|word| format!("+{word}"))
                .collect();
            if let Some(last) = terms.last_mut() {
                last.replace_range(..1, "*");
            }
            let terms: Vec<&str> = terms.iter().map(String::as_str).collect();
            TaskList::search(&terms)
        }
    };
    let list = list.of(user);
    let row = server.query(STATEMENT, &list.parameters()).await?;
    let items: String = row.get(0);
    Ok(json(format!(r#"{{"items":{items},"next_cursor":null}}"#)))
}

async fn read(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Refusal> {
    let user = server.caller(&headers)?;
    let statement = include_str!("../../../functions/api/src/tasks/get.sql");
    let row = server
        .query(
            statement,
            &[&user.to_string(), &id.to_string(), &rate("read", &user)],
        )
        .await?;
    let task: Option<String> = row.get("body");
    Ok(json(task.ok_or((StatusCode::NOT_FOUND, String::new()))?))
}

fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Server {
    async fn create(&self, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
        let user = self.caller(headers)?;
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
        let rate = rate("write", &user);
        let due = task.due.as_ref().map(domain::due::Due::to_json);
        let statement = include_str!("../../../functions/api/src/tasks/create.sql");
        let row = self
            .query(
                statement,
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
                    &none,
                    &none,
                    &context,
                    &actor,
                    &none,
                    &none,
                    &rate,
                ],
            )
            .await?;
        let outcome: String = row.get("outcome");
        if outcome != "made" {
            return Err((StatusCode::CONFLICT, outcome));
        }
        let version: i64 = row.get("version");
        let location = format!("/api/tasks/{}", row.get::<_, String>("id"));
        let answer: String = row.get("body");
        let headers = [
            (header::CONTENT_TYPE, "application/json".to_owned()),
            (header::LOCATION, location),
            (header::ETAG, format!("\"{version}\"")),
        ];
        Ok((StatusCode::CREATED, headers, answer).into_response())
    }

    /// Returns the one row of a statement, which each connection prepares once.
    async fn query(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Row, Refusal> {
        let client = self.pool.get().await.map_err(unavailable)?;
        let statement = client.prepare_cached(sql).await.map_err(unavailable)?;
        let row = client.query_one(&statement, parameters).await;
        row.map_err(unavailable)
    }

    fn caller(&self, headers: &HeaderMap) -> Result<Uuid, Refusal> {
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let claims = token.and_then(|token| {
            jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation).ok()
        });
        let data = claims.ok_or((StatusCode::UNAUTHORIZED, String::new()))?;
        Ok(data.claims.sub)
    }
}
