//! Servers that run already, named by DATABASE_URL, REDIS_URL and KAFKA_BROKERS, and what Spindle uses on them. The values are
//! checked before anything starts.

use anyhow::{Context, Result, bail};
use url::Url;

/// The servers that the environment names. The system starts the others itself.
#[derive(Debug, Clone, Default)]
pub struct External {
    /// The URL of a Postgres database, with the role that owns it.
    pub database: Option<Url>,
    /// The URL of Redis, without a path.
    pub redis: Option<Url>,
    /// The prefix of Spindle's channels in Redis.
    pub redis_prefix: Option<String>,
    /// Kafka's brokers, as `host:port`, separated by commas.
    pub kafka: Option<String>,
}

impl External {
    pub fn from_environment() -> Result<Self> {
        Ok(Self {
            database: variable("DATABASE_URL")
                .map(|value| database(&value))
                .transpose()?,
            redis: variable("REDIS_URL")
                .map(|value| redis(&value))
                .transpose()?,
            redis_prefix: variable("REDIS_PREFIX"),
            kafka: variable("KAFKA_BROKERS")
                .map(|value| kafka(&value))
                .transpose()?,
        })
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.trim().is_empty())
}

fn database(value: &str) -> Result<Url> {
    let expected = "DATABASE_URL must look like postgres://user:password@host:5432/database";
    let url = Url::parse(value).context(expected)?;
    let postgres = matches!(url.scheme(), "postgres" | "postgresql");
    if !postgres || url.host_str().is_none_or(str::is_empty) || url.path().len() < 2 {
        bail!(expected);
    }
    Ok(url)
}

fn redis(value: &str) -> Result<Url> {
    let expected =
        "REDIS_URL must look like redis://user:password@host:6379, or rediss://… for TLS";
    let mut url = Url::parse(value).context(expected)?;
    let redis = matches!(url.scheme(), "redis" | "rediss");
    if !redis || url.host_str().is_none_or(str::is_empty) {
        bail!(expected);
    }
    // spin.toml appends the numbers of databases.
    url.set_path("");
    Ok(url)
}

fn kafka(value: &str) -> Result<String> {
    let address = |broker: &str| {
        broker
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    if !value.split(',').map(str::trim).all(address) {
        bail!("KAFKA_BROKERS must look like host:9092 or host:9092,other:9092");
    }
    Ok(value.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_variable_but_not_its_value() {
        for (error, name) in [
            (
                database("mysql://root:hunter2@db/x").unwrap_err(),
                "DATABASE_URL",
            ),
            (
                database("postgres://root:hunter2@db").unwrap_err(),
                "DATABASE_URL",
            ),
            (redis("http://:hunter2@cache").unwrap_err(), "REDIS_URL"),
            (redis("redis://:hunter2@").unwrap_err(), "REDIS_URL"),
            (kafka("broker").unwrap_err(), "KAFKA_BROKERS"),
        ] {
            let text = format!("{error:#}");
            assert!(
                text.starts_with(name) && !text.contains("hunter2"),
                "{text}"
            );
        }
    }

    #[test]
    fn valid_values_are_accepted() {
        assert!(database("postgresql://a:b@db:6432/spindle?sslmode=disable").is_ok());
        let url = redis("rediss://me:secret@cache:6380/0").unwrap();
        assert_eq!(url.as_str(), "rediss://me:secret@cache:6380");
        assert_eq!(kafka("a:1,b:2").unwrap(), "a:1,b:2");
    }
}
