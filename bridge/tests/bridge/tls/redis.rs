//! Connections to Redis with TLS.

use bridge::config::{RedisSettings, Secret};
use bridge::redis_client;
use redis::AsyncCommands;
use stage::scratch::Scratch;
use stage::services::Redis;

use super::certificates::{Certificates, text};
use crate::support::program;
use crate::support::{database, redis_settings};

/// A Redis at 127.0.0.1 that serves TLS on a further port.
struct Fixture {
    certificates: Certificates,
    server: Redis,
    _folder: Scratch,
}

impl Fixture {
    async fn start() -> Self {
        let (certificates, folder) = (Certificates::new(), Scratch::new("redis").unwrap());
        let (own, authority) = (&certificates.server, &certificates.trusted.file);
        let server = Redis::start_with_tls(folder.path(), own, authority);
        Self {
            server: server.await.unwrap(),
            certificates,
            _folder: folder,
        }
    }

    /// Changes settings of the server together.
    async fn set(&self, settings: &[(&str, &str)]) {
        let client = redis::Client::open(self.server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::cmd("config");
        command.arg("set").arg(settings);
        command.exec_async(&mut connection).await.unwrap();
    }

    /// Settings that trust the server's authority and show no certificate.
    fn settings(&self, host: &str) -> RedisSettings {
        RedisSettings {
            redis_url: Secret::new(self.server.tls_url().unwrap().replace("127.0.0.1", host)),
            redis_ca_file: Some(self.certificates.trusted.file.clone()),
            ..redis_settings(&self.server)
        }
    }
}

/// Subscribes and publishes, as dispatch does.
async fn use_redis(settings: &RedisSettings) -> Result<i64, String> {
    let connected = async {
        let client = redis_client::open(settings)?;
        let mut subscription = client.get_async_pubsub().await?;
        subscription.subscribe("channel").await?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        anyhow::Ok(connection.publish("channel", "message").await?)
    };
    connected.await.map_err(|error| format!("{error:#}"))
}

#[tokio::test]
async fn redis_must_have_a_certificate_that_names_it_and_that_a_known_authority_has_signed() {
    let fixture = Fixture::start().await;
    let right = fixture.settings("127.0.0.1");
    assert_eq!(use_redis(&right).await, Ok(1));
    let wrong = RedisSettings {
        redis_ca_file: Some(fixture.certificates.other.file.clone()),
        ..right
    };
    let error = use_redis(&wrong).await.unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");
    let error = use_redis(&fixture.settings("localhost")).await.unwrap_err();
    assert!(error.contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn redis_is_shown_the_certificate_of_the_client() {
    let fixture = Fixture::start().await;
    fixture.set(&[("tls-auth-clients", "yes")]).await;
    let without = fixture.settings("127.0.0.1");
    let error = use_redis(&without).await.unwrap_err();
    assert!(error.contains("CertificateRequired"), "{error}");
    let client = &fixture.certificates.client;
    let with = RedisSettings {
        redis_certificate_file: Some(client.certificate.clone()),
        redis_key_file: Some(client.key.clone()),
        ..without
    };
    assert_eq!(use_redis(&with).await, Ok(1));
}

#[tokio::test]
async fn settings_for_redis_that_do_not_work_stop_the_start() {
    let certificates = Certificates::new();
    let (_, url) = database().await;
    let (trusted, key) = (
        text(&certificates.trusted.file),
        text(&certificates.client.key),
    );
    let encrypted = ("REDIS_URL", "rediss://127.0.0.1:1");
    let cases: [(&[(&str, &str)], &str); 5] = [
        (
            &[encrypted, ("REDIS_CA_FILE", "/missing.pem")],
            "REDIS_CA_FILE: cannot read /missing.pem",
        ),
        (
            &[encrypted, ("REDIS_CA_FILE", key)],
            "contains no certificate in PEM format",
        ),
        (
            &[encrypted, ("REDIS_KEY_FILE", key)],
            "REDIS_CERTIFICATE_FILE is not set, although REDIS_KEY_FILE is",
        ),
        (
            &[("REDIS_URL", "rediss://127.0.0.1:1/#insecure")],
            "REDIS_URL must not end with #insecure",
        ),
        (
            &[
                ("REDIS_URL", "redis://127.0.0.1:1"),
                ("REDIS_CA_FILE", trusted),
            ],
            "REDIS_URL does not begin with rediss://",
        ),
    ];
    for (settings, reason) in cases {
        let more = [
            ("DATABASE_URL", url.as_str()),
            ("BRIDGE_LISTEN", "127.0.0.1:0"),
        ];
        program::fails(&["run"], &[settings, &more].concat(), reason).await;
    }
}
