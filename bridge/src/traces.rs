//! Traces of events, exported with OTLP over HTTP. They are off unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set, as for Spin.
//!
//! An event carries the trace context of its request (W3C Trace Context). For each event that an agent has processed, the
//! trace gets two spans: `publish <topic>` for the way into the log, and `process <topic>` for the frame up to its
//! ack. Their attributes follow OpenTelemetry's conventions for messaging.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use chrono::DateTime;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, SpanBuilder, SpanKind, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use serde::Deserialize;

use crate::log::Record;

/// Settings of OpenTelemetry that turn the export on. The exporter reads them itself.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
];
/// Time to export the last spans when the bridge stops.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// The export of traces. Clones share it.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Export>>);

struct Export {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    log: &'static str,
}

/// An event that an agent has processed.
#[derive(Debug)]
pub struct Delivered {
    pub record: Record,
    pub group: &'static str,
    pub lane: String,
    /// How long ago its frame was sent.
    pub took: Duration,
}

/// What the spans need of an event.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    traceparent: Option<Cow<'a, str>>,
    time: Option<Cow<'a, str>>,
}

impl Traces {
    /// As the environment says. `log` is `kafka` or `postgres`.
    ///
    /// # Errors
    /// When the settings are not valid.
    pub fn from_environment(log: &'static str) -> anyhow::Result<Self> {
        if !ENDPOINTS
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
        {
            return Ok(Self::default());
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .build()
            .context("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        let resource = Resource::builder().with_attribute(KeyValue::new(
            "service.name",
            std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "spindle-bridge".to_owned()),
        ));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.build())
            .build();
        let tracer = provider.tracer("spindle-bridge");
        Ok(Self(Some(Arc::new(Export {
            provider,
            tracer,
            log,
        }))))
    }

    pub fn are_on(&self) -> bool {
        self.0.is_some()
    }

    /// Exports the spans of an event, if its request is traced. `now` is when the answer came.
    pub fn delivered(&self, delivered: &Delivered, now: SystemTime) {
        let Some(export) = &self.0 else { return };
        let entry = &delivered.record.entry;
        let Ok(event) = serde_json::from_slice::<Event<'_>>(&entry.event) else {
            return;
        };
        let Some(traceparent) = event.traceparent else {
            return;
        };
        let carrier = HashMap::from([("traceparent".to_owned(), traceparent.into_owned())]);
        let parent = TraceContextPropagator::new().extract(&carrier);
        let topic = &*delivered.record.partition.topic;
        let appended_at = delivered.record.appended_at;
        let written_at = event
            .time
            .and_then(|time| DateTime::parse_from_rfc3339(&time).ok())
            .map_or(appended_at, SystemTime::from);
        let common = || {
            vec![
                KeyValue::new("messaging.system", export.log),
                KeyValue::new("messaging.destination.name", topic.to_owned()),
                KeyValue::new("messaging.message.id", entry.event_id.to_string()),
            ]
        };
        let publish = SpanBuilder::from_name(format!("publish {topic}"))
            .with_kind(SpanKind::Producer)
            .with_start_time(written_at)
            .with_attributes(common());
        export.end(publish, &parent, appended_at);
        let mut attributes = common();
        attributes.extend([
            KeyValue::new("messaging.consumer.group.name", delivered.group),
            KeyValue::new("spindle.lane", delivered.lane.clone()),
        ]);
        let process = SpanBuilder::from_name(format!("process {topic}"))
            .with_kind(SpanKind::Consumer)
            .with_start_time(now - delivered.took)
            .with_attributes(attributes);
        export.end(process, &parent, now);
    }

    /// Exports what is left.
    pub async fn stop(self) {
        if let Some(export) = self.0 {
            let stop = move || export.provider.shutdown_with_timeout(STOP_WITHIN);
            // What cannot be exported now is lost; traces are no record.
            let _ = tokio::task::spawn_blocking(stop).await;
        }
    }
}

impl Export {
    fn end(&self, span: SpanBuilder, parent: &Context, at: SystemTime) {
        span.start_with_context(&self.tracer, parent)
            .end_with_timestamp(at);
    }
}
