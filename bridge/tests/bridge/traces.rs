//! Traces reach a collector that speaks OTLP.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use stage::scratch::Scratch;
use stage::services::Redis;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::support::agent::{Agent, Frames, done};
use crate::support::program;
use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, TIMEOUT, event};

const TRACE: [u8; 16] = *b"0123456789abcdef";
const PARENT: [u8; 8] = *b"01234567";

/// Starts a collector, and returns its URL and the spans that it has received.
async fn collector() -> (String, Arc<Mutex<Vec<Span>>>) {
    let spans = Arc::<Mutex<Vec<Span>>>::default();
    let received = spans.clone();
    let take = move |body: Bytes| async move {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let scopes = request
            .resource_spans
            .into_iter()
            .flat_map(|r| r.scope_spans);
        received
            .lock()
            .unwrap()
            .extend(scopes.flat_map(|s| s.spans));
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route("/v1/traces", post(take));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, spans)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_part_of_the_trace_of_its_request() {
    let dir = Scratch::new("redis").unwrap();
    let redis = Redis::start(dir.path()).await.unwrap();
    let fixture = LogFixture::new(LogKind::Postgres).await;
    let (url, spans) = collector().await;
    let lane = "spindle.audit.a.0";
    let _agent = Agent::start(&redis.url(), lane, Frames::default(), done).await;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ];
    let _bridge = program::start(&fixture, &redis, &settings);
    let (user, untraced, traced) = (Uuid::new_v4(), Uuid::now_v7(), Uuid::now_v7());
    let traceparent = format!("\"traceparent\":\"00-{}-{}-01\"", hex(&TRACE), hex(&PARENT));
    let text = event(traced, user, 1).replace("\"data\":", &format!("{traceparent},\"data\":"));
    fixture
        .admin
        .execute(
            include_str!("sql/emit.sql"),
            &[
                &"task-events",
                &user,
                &vec![untraced, traced],
                &vec![event(untraced, user, 0), text],
            ],
        )
        .await
        .unwrap();
    eventually(TIMEOUT, "the collector has two spans", async || {
        spans.lock().unwrap().len() == 2
    })
    .await;
    let spans = spans.lock().unwrap();
    for (name, span) in ["publish task-events", "process task-events"]
        .iter()
        .zip(&*spans)
    {
        assert_eq!(span.name, *name);
        assert_eq!(
            (&*span.trace_id, &*span.parent_span_id),
            (&TRACE[..], &PARENT[..])
        );
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
        let id = span
            .attributes
            .iter()
            .find(|a| a.key == "messaging.message.id");
        assert!(format!("{id:?}").contains(&traced.to_string()));
    }
    assert!(spans[0].end_time_unix_nano <= spans[1].start_time_unix_nano);
}
