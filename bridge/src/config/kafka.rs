//! Settings of the encryption and the login of connections to Kafka.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Secret;

/// How connections to Kafka are encrypted and how the bridge logs in.
#[derive(Args, Clone, Debug, Default)]
pub struct KafkaAccess {
    /// How the bridge connects to Kafka: with TLS (ssl, sasl_ssl) or without, and with a login (sasl_plaintext, sasl_ssl) or
    /// without.
    #[arg(long, env = "KAFKA_SECURITY_PROTOCOL", value_enum, default_value_t)]
    pub kafka_security_protocol: Protocol,
    /// File with the authorities that may have signed the brokers' certificates, in PEM format. Without it they are those
    /// that the system trusts.
    #[arg(long, env = "KAFKA_CA_FILE")]
    pub kafka_ca_file: Option<PathBuf>,
    /// File with the bridge's certificate for Kafka, in PEM format, for brokers that require one.
    #[arg(long, env = "KAFKA_CERTIFICATE_FILE")]
    pub kafka_certificate_file: Option<PathBuf>,
    /// File with the private key of that certificate, in PEM format without a password.
    #[arg(long, env = "KAFKA_KEY_FILE")]
    pub kafka_key_file: Option<PathBuf>,
    /// SASL mechanism of the login to Kafka.
    #[arg(long, env = "KAFKA_SASL_MECHANISM", value_enum, default_value_t)]
    pub kafka_sasl_mechanism: Mechanism,
    /// User name of the login to Kafka. With OAUTHBEARER it is the id of the client.
    #[arg(long, env = "KAFKA_SASL_USERNAME")]
    pub kafka_sasl_username: Option<String>,
    /// Password of the login to Kafka. With OAUTHBEARER it is the secret of the client.
    #[arg(long, env = "KAFKA_SASL_PASSWORD", hide_env_values = true)]
    pub kafka_sasl_password: Option<Secret>,
    /// URL from which OAUTHBEARER gets its tokens, as the client (grant client_credentials).
    #[arg(long, env = "KAFKA_OAUTH_TOKEN_URL")]
    pub kafka_oauth_token_url: Option<String>,
    /// Scope that OAUTHBEARER asks for.
    #[arg(long, env = "KAFKA_OAUTH_SCOPE")]
    pub kafka_oauth_scope: Option<String>,
    /// File with the authorities that may have signed the certificate of the token URL, in PEM format. Without it they are
    /// those that the system trusts.
    #[arg(long, env = "KAFKA_OAUTH_CA_FILE")]
    pub kafka_oauth_ca_file: Option<PathBuf>,
}

/// What protects a connection to Kafka, by the names that Kafka uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Protocol {
    #[default]
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl Protocol {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    pub fn logs_in(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// A way to log in to Kafka.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mechanism {
    #[default]
    #[value(name = "PLAIN")]
    Plain,
    #[value(name = "SCRAM-SHA-256")]
    ScramSha256,
    #[value(name = "SCRAM-SHA-512")]
    ScramSha512,
    #[value(name = "OAUTHBEARER")]
    OauthBearer,
}

impl Mechanism {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}
