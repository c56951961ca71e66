//! What librdkafka reports, as log lines.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tracing::{debug, error, info, warn};

/// Logs what a client of librdkafka reports. What the bridge recovers from by itself is a warning.
pub(super) struct Reports;

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => {
                // `error` reports the others, too.
                if !matches!(facility, "FAIL" | "FATAL") {
                    error!(facility, "librdkafka: {text}");
                }
            }
            RDKafkaLogLevel::Warning => warn!(facility, "librdkafka: {text}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                info!(facility, "librdkafka: {text}")
            }
            RDKafkaLogLevel::Debug => debug!(facility, "librdkafka: {text}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if recovers(error.rdkafka_error_code(), reason) {
            warn!(%error, "librdkafka: {reason}");
        } else {
            error!(%error, "librdkafka: {reason}");
        }
    }
}

impl ConsumerContext for Reports {}

/// True if the bridge recovers from the error by itself. The network or the absence of a broker caused it, so librdkafka makes another
/// connection; or the bridge has purged messages, and replaces the producer, see [`super::producer`].
fn recovers(code: Option<RDKafkaErrorCode>, reason: &str) -> bool {
    match code {
        Some(
            RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::Resolve,
        ) => true,
        // librdkafka gives a login that was cut off the code of one that was refused.
        Some(RDKafkaErrorCode::Authentication) => reason.contains("failed: Local: "),
        Some(RDKafkaErrorCode::GaplessGuarantee) => reason.contains("Local: Purged"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_that_was_cut_off_is_recovered_from_and_a_refused_one_is_not() {
        let login = |reason| recovers(Some(RDKafkaErrorCode::Authentication), reason);
        assert!(login(
            "sasl_plaintext://127.0.0.1:9092/1: SASL authentication error: SaslAuthenticateRequest failed: \
             Local: Broker transport failure (after 3ms in state AUTH_REQ)"
        ));
        assert!(!login(
            "sasl_plaintext://127.0.0.1:9092/1: SASL authentication error: Authentication failed: Invalid \
             username or password (after 9ms in state AUTH_REQ)"
        ));
        let gap = Some(RDKafkaErrorCode::GaplessGuarantee);
        let purged =
            "ProduceRequest for task-events [0] with 3 message(s) failed: Local: Purged in flight";
        assert!(recovers(gap, purged));
        let resolve = Some(RDKafkaErrorCode::Resolve);
        assert!(recovers(resolve, "Failed to resolve 'kafka:9092'"));
        let refused = Some(RDKafkaErrorCode::SSL);
        assert!(!recovers(refused, "certificate verify failed"));
    }
}
