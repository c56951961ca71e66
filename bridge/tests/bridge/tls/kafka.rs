//! Encrypted connections to Kafka, and each way to log in.

use std::path::Path;

use bridge::config::kafka::{KafkaAccess, Mechanism, Protocol};
use bridge::config::{LogSettings, Secret};
use bridge::log;
use stage::scratch::Scratch;
use stage::services::Kafka;
use stage::services::kafka::{KafkaOptions, Listener};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::certificates::{Certificates, text};
use super::oauth::{CLIENT, Issuer, SCOPE, SECRET};
use crate::log::reader::Reader;
use crate::support::program;
use crate::support::wait::eventually;
use crate::support::{LogFixture, TIMEOUT, database, release};

const USER: &str = "ada";
const PASSWORD: &str = "correct horse battery";

/// A broker that the tests share, because it starts slowly.
struct Broker {
    kafka: Kafka,
    certificates: Certificates,
    issuer: Issuer,
    _folder: Scratch,
}

/// Settings of a listener with this certificate.
fn encrypted(certificate: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("ssl.keystore.type", "PEM".to_owned()),
        ("ssl.keystore.location", text(certificate).to_owned()),
    ]
}

async fn broker() -> &'static Broker {
    static BROKER: OnceCell<Broker> = OnceCell::const_new();
    BROKER.get_or_init(Broker::start).await
}

impl Broker {
    async fn start() -> Self {
        let (certificates, folder) = (Certificates::new(), Scratch::new("kafka").unwrap());
        let issuer = Issuer::start(&certificates.server);
        let server = encrypted(&certificates.server.both);
        let authority = text(&certificates.trusted.file).to_owned();
        let mut mutual = server.clone();
        mutual.extend([
            ("ssl.client.auth", "required".to_owned()),
            ("ssl.truststore.type", "PEM".to_owned()),
            ("ssl.truststore.location", authority),
        ]);
        let mut login = server.clone();
        let module = |name: &str| format!("org.apache.kafka.common.security.{name} required");
        let scram = format!("{};", module("scram.ScramLoginModule"));
        let plain = module("plain.PlainLoginModule");
        login.extend([
            (
                "sasl.enabled.mechanisms",
                "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER".to_owned(),
            ),
            (
                "plain.sasl.jaas.config",
                format!("{plain} user_{USER}=\"{PASSWORD}\";"),
            ),
            ("scram-sha-256.sasl.jaas.config", scram.clone()),
            ("scram-sha-512.sasl.jaas.config", scram),
            (
                "oauthbearer.sasl.jaas.config",
                format!("{};", module("oauthbearer.OAuthBearerLoginModule")),
            ),
            (
                "oauthbearer.sasl.server.callback.handler.class",
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"
                    .to_owned(),
            ),
            (
                "sasl.oauthbearer.jwks.endpoint.url",
                issuer.keys_url.clone(),
            ),
        ]);
        let listener = |name, protocol, settings| Listener {
            name,
            protocol,
            settings,
        };
        let options = KafkaOptions {
            listeners: vec![
                listener("ENCRYPTED", "SSL", server),
                listener("ELSEWHERE", "SSL", encrypted(&certificates.elsewhere.both)),
                listener("MUTUAL", "SSL", mutual),
                listener("LOGIN", "SASL_SSL", login),
            ],
            scram: ["SCRAM-SHA-256", "SCRAM-SHA-512"]
                .map(|mechanism| format!("{mechanism}=[name={USER},password={PASSWORD}]"))
                .to_vec(),
            java: vec![format!(
                "org.apache.kafka.sasl.oauthbearer.allowed.urls={}",
                issuer.keys_url
            )],
            ..KafkaOptions::default()
        };
        let kafka = Kafka::start_with(folder.path(), &options).await.unwrap();
        Self {
            kafka,
            certificates,
            issuer,
            _folder: folder,
        }
    }

    fn address(&self, listener: &str) -> String {
        self.kafka.listener(listener).unwrap()
    }

    /// Settings that trust the authority of the brokers.
    fn trusting(&self, protocol: Protocol) -> KafkaAccess {
        KafkaAccess {
            kafka_security_protocol: protocol,
            kafka_ca_file: Some(self.certificates.trusted.file.clone()),
            ..KafkaAccess::default()
        }
    }

    fn login(&self, mechanism: Mechanism) -> KafkaAccess {
        KafkaAccess {
            kafka_sasl_mechanism: mechanism,
            kafka_sasl_username: Some(USER.to_owned()),
            kafka_sasl_password: Some(Secret::new(PASSWORD)),
            ..self.trusting(Protocol::SaslSsl)
        }
    }

    /// Lists the topics at this listener with the bridge's program, which must fail and print `reason`.
    async fn refuses(&self, listener: &str, settings: &[(&str, &str)], reason: &str) {
        let (_, url) = database().await;
        let address = self.address(listener);
        let mut all = vec![
            ("DATABASE_URL", url.as_str()),
            ("KAFKA_BROKERS", address.as_str()),
        ];
        all.extend(settings);
        program::fails(&["topics"], &all, reason).await;
    }
}

/// Creates topics, moves events into the log and reads them, all over one listener.
async fn works(broker: &Broker, listener: &str, access: KafkaAccess) {
    let fixture = LogFixture::without_topics(Some(broker.kafka.brokers())).await;
    let settings = LogSettings {
        kafka_brokers: Some(broker.address(listener)),
        kafka_access: access,
        ..fixture.settings.clone()
    };
    let log = log::open(&settings).unwrap();
    log.create_topics().await.unwrap();
    let (mut relay, mut shards) = (fixture.relay(), None);
    relay.log = log.clone();
    let events = fixture.emit("task-events", Uuid::new_v4(), 0, 5).await;
    eventually(TIMEOUT, "the events are relayed", async || {
        // A step fails if the machine was so slow that it lost its leases; the relay then begins another one.
        match relay.step(&mut shards).await {
            Ok(_) => fixture.outbox_rows().await == 0,
            Err(error) => {
                println!("{error:#}");
                false
            }
        }
    })
    .await;
    release(shards).await;
    let mut reader = Reader::start_on(&*log);
    // A machine that is so slow that the relay counts as cut off may send events a second time.
    let mut read: Vec<Uuid> = Vec::new();
    while read.len() < events.len() {
        for record in reader.read(1).await {
            if !read.contains(&record.entry.event_id) {
                read.push(record.entry.event_id);
            }
        }
    }
    assert_eq!(read, events);
    reader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_must_have_a_certificate_that_names_them_and_that_a_known_authority_has_signed() {
    let broker = broker().await;
    works(broker, "ENCRYPTED", broker.trusting(Protocol::Ssl)).await;
    let protocol = ("KAFKA_SECURITY_PROTOCOL", "ssl");
    let trusted = ("KAFKA_CA_FILE", text(&broker.certificates.trusted.file));
    let other = ("KAFKA_CA_FILE", text(&broker.certificates.other.file));
    let reason = "certificate verify failed";
    let (trusted, other) = ([protocol, trusted], [protocol, other]);
    tokio::join!(
        broker.refuses("ENCRYPTED", &other, reason),
        broker.refuses("ENCRYPTED", &other[..1], reason),
        broker.refuses("ELSEWHERE", &trusted, reason),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_are_shown_the_certificate_of_the_client() {
    let broker = broker().await;
    let client = &broker.certificates.client;
    let access = KafkaAccess {
        kafka_certificate_file: Some(client.certificate.clone()),
        kafka_key_file: Some(client.key.clone()),
        ..broker.trusting(Protocol::Ssl)
    };
    works(broker, "MUTUAL", access).await;
    let settings = [
        ("KAFKA_SECURITY_PROTOCOL", "ssl"),
        ("KAFKA_CA_FILE", text(&broker.certificates.trusted.file)),
    ];
    broker.refuses("MUTUAL", &settings, "SSL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_logs_in_with_a_password() {
    let broker = broker().await;
    let mechanisms = [
        Mechanism::Plain,
        Mechanism::ScramSha256,
        Mechanism::ScramSha512,
    ];
    let trusted = text(&broker.certificates.trusted.file);
    for mechanism in mechanisms {
        works(broker, "LOGIN", broker.login(mechanism)).await;
        let settings = [
            ("KAFKA_SECURITY_PROTOCOL", "sasl_ssl"),
            ("KAFKA_CA_FILE", trusted),
            ("KAFKA_SASL_MECHANISM", mechanism.name()),
            ("KAFKA_SASL_USERNAME", USER),
            ("KAFKA_SASL_PASSWORD", "wrong"),
        ];
        broker
            .refuses("LOGIN", &settings, "uthentication failed")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_logs_in_with_a_token() {
    let broker = broker().await;
    let trusted = &broker.certificates.trusted.file;
    let access = KafkaAccess {
        kafka_sasl_username: Some(CLIENT.to_owned()),
        kafka_sasl_password: Some(Secret::new(SECRET)),
        kafka_oauth_token_url: Some(broker.issuer.token_url.clone()),
        kafka_oauth_scope: Some(SCOPE.to_owned()),
        kafka_oauth_ca_file: Some(trusted.clone()),
        ..broker.login(Mechanism::OauthBearer)
    };
    works(broker, "LOGIN", access).await;
    let settings = |secret, authority| {
        [
            ("KAFKA_SECURITY_PROTOCOL", "sasl_ssl"),
            ("KAFKA_CA_FILE", text(trusted)),
            ("KAFKA_SASL_MECHANISM", "OAUTHBEARER"),
            ("KAFKA_SASL_USERNAME", CLIENT),
            ("KAFKA_SASL_PASSWORD", secret),
            ("KAFKA_OAUTH_TOKEN_URL", broker.issuer.token_url.as_str()),
            ("KAFKA_OAUTH_SCOPE", SCOPE),
            ("KAFKA_OAUTH_CA_FILE", text(authority)),
        ]
    };
    let (wrong_secret, wrong_authority) = (
        settings("wrong", trusted),
        settings(SECRET, &broker.certificates.other.file),
    );
    tokio::join!(
        broker.refuses("LOGIN", &wrong_secret, "invalid_client"),
        broker.refuses("LOGIN", &wrong_authority, "SSL certificate problem"),
    );
}

#[tokio::test]
async fn settings_for_kafka_that_do_not_work_stop_the_start() {
    let certificates = Certificates::new();
    let (trusted, certificate) = (
        text(&certificates.trusted.file),
        text(&certificates.client.certificate),
    );
    let key_of_server = text(&certificates.server.key);
    let (ssl, sasl) = (
        ("KAFKA_SECURITY_PROTOCOL", "ssl"),
        ("KAFKA_SECURITY_PROTOCOL", "sasl_ssl"),
    );
    let (user, password) = (
        ("KAFKA_SASL_USERNAME", "a"),
        ("KAFKA_SASL_PASSWORD", "hunter2"),
    );
    let oauth = ("KAFKA_SASL_MECHANISM", "OAUTHBEARER");
    let cases: [(&[(&str, &str)], &str); 10] = [
        (
            &[("KAFKA_CA_FILE", trusted)],
            "KAFKA_CA_FILE is set, but KAFKA_SECURITY_PROTOCOL is neither ssl",
        ),
        (
            &[user],
            "KAFKA_SASL_USERNAME is set, but KAFKA_SECURITY_PROTOCOL is neither sasl_plaintext",
        ),
        (
            &[ssl, ("KAFKA_CA_FILE", "/missing.pem")],
            "KAFKA_CA_FILE: cannot read /missing.pem",
        ),
        (
            &[ssl, ("KAFKA_CERTIFICATE_FILE", certificate)],
            "KAFKA_KEY_FILE is not set, although KAFKA_CERTIFICATE_FILE is",
        ),
        (
            &[
                ssl,
                ("KAFKA_CERTIFICATE_FILE", certificate),
                ("KAFKA_KEY_FILE", key_of_server),
            ],
            "KAFKA_KEY_FILE: the key does not belong to the certificate of KAFKA_CERTIFICATE_FILE",
        ),
        (&[sasl, password], "KAFKA_SASL_USERNAME is not set"),
        (&[sasl, user], "KAFKA_SASL_PASSWORD is not set"),
        (
            &[sasl, user, password, oauth],
            "KAFKA_OAUTH_TOKEN_URL is not set",
        ),
        (
            &[sasl, user, password, ("KAFKA_OAUTH_SCOPE", "kafka")],
            "KAFKA_OAUTH_SCOPE is set, but KAFKA_SASL_MECHANISM is not OAUTHBEARER",
        ),
        (
            &[
                sasl,
                user,
                password,
                oauth,
                ("KAFKA_OAUTH_TOKEN_URL", "issuer"),
            ],
            "KAFKA_OAUTH_TOKEN_URL must begin with https:// or http://",
        ),
    ];
    let more = [
        ("DATABASE_URL", "postgres://bridge@127.0.0.1:1/spindle"),
        ("KAFKA_BROKERS", "127.0.0.1:1"),
    ];
    for (settings, reason) in cases {
        program::fails(&["topics"], &[settings, &more].concat(), reason).await;
    }
}
