//! Connections to Postgres, whose URL says how they are encrypted.

use bridge::config::Secret;
use bridge::postgres;
use stage::scratch::Scratch;
use stage::services::Postgres;

use super::certificates::{Certificates, text};
use crate::support;
use crate::support::program;

/// A Postgres at 127.0.0.1 with TLS. The role `mutual` needs a certificate.
struct Fixture {
    certificates: Certificates,
    server: Postgres,
    _folder: Scratch,
}

impl Fixture {
    async fn start() -> Self {
        let (certificates, folder) = (Certificates::new(), Scratch::new("postgres").unwrap());
        let server = Postgres::start(folder.path(), false).await.unwrap();
        let clients = Some(&certificates.trusted);
        server
            .serve_tls(&certificates.server, clients)
            .await
            .unwrap();
        server.run("create role mutual login").await.unwrap();
        Self {
            certificates,
            server,
            _folder: folder,
        }
    }

    fn url(&self, role: &str, host: &str, parameters: &str) -> String {
        let port = self.server.port();
        format!("postgres://{role}@{host}:{port}/postgres?{parameters}")
    }

    /// The parameter that names the authority of the server.
    fn trusted(&self) -> String {
        format!("sslrootcert={}", text(&self.certificates.trusted.file))
    }

    /// The parameter that names an authority which has signed nothing.
    fn other(&self) -> String {
        format!("sslrootcert={}", text(&self.certificates.other.file))
    }
}

/// Whether the connection is encrypted, or why there is none.
async fn connect(url: &str) -> Result<bool, String> {
    let client = postgres::connect(&Secret::new(url), "test").await;
    let client = client.map_err(|error| format!("{error:#}"))?;
    let row = client
        .query_one(include_str!("../sql/uses_tls.sql"), &[])
        .await
        .unwrap();
    Ok(row.get(0))
}

#[tokio::test]
async fn a_server_is_checked_as_the_url_says() {
    let fixture = Fixture::start().await;
    let (trusted, other) = (fixture.trusted(), fixture.other());
    for (host, parameters, expected) in [
        (
            "127.0.0.1",
            format!("sslmode=verify-full&{trusted}"),
            Ok(true),
        ),
        (
            "127.0.0.1",
            format!("sslmode=verify-full&{other}"),
            Err("UnknownIssuer"),
        ),
        (
            "localhost",
            format!("sslmode=verify-full&{trusted}"),
            Err("not valid for name"),
        ),
        (
            "localhost",
            format!("sslmode=verify-ca&{trusted}"),
            Ok(true),
        ),
        (
            "localhost",
            format!("sslmode=verify-ca&{other}"),
            Err("UnknownIssuer"),
        ),
        (
            "localhost",
            format!("sslmode=require&{other}"),
            Err("UnknownIssuer"),
        ),
        ("localhost", "sslmode=require".to_owned(), Ok(true)),
        ("localhost", "sslmode=prefer".to_owned(), Ok(true)),
        ("localhost", "connect_timeout=5".to_owned(), Ok(true)),
        ("localhost", "sslmode=disable".to_owned(), Ok(false)),
    ] {
        let connected = connect(&fixture.url("postgres", host, &parameters)).await;
        match (&connected, expected) {
            (Ok(encrypted), Ok(expected)) => assert_eq!(*encrypted, expected, "{parameters}"),
            (Err(error), Err(reason)) => assert!(
                error.contains("cannot connect to Postgres") && error.contains(reason),
                "{host} {parameters}: {error}"
            ),
            _ => panic!("{host} {parameters}: {connected:?}"),
        }
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_required() {
    let (url, _) = support::database().await;
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = connect(&format!("{url}?sslmode={mode}")).await.unwrap_err();
        assert!(
            error.contains("server does not support TLS"),
            "{mode}: {error}"
        );
    }
    assert_eq!(connect(&format!("{url}?sslmode=prefer")).await, Ok(false));
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let fixture = Fixture::start().await;
    let client = &fixture.certificates.client;
    let (certificate, key) = (text(&client.certificate), text(&client.key));
    let server = format!("sslmode=verify-full&{}", fixture.trusted());
    let url = |more: &str| fixture.url("mutual", "127.0.0.1", &format!("{server}{more}"));
    let with = url(&format!("&sslcert={certificate}&sslkey={key}"));
    assert_eq!(connect(&with).await, Ok(true));
    let error = connect(&url("")).await.unwrap_err();
    assert!(error.contains("valid client certificate"), "{error}");

    let stranger = fixture
        .certificates
        .other
        .sign("stranger", &["bridge"])
        .unwrap();
    let (certificate, key) = (text(&stranger.certificate), text(&stranger.key));
    let unknown = url(&format!("&sslcert={certificate}&sslkey={key}"));
    let error = connect(&unknown).await.unwrap_err();
    assert!(error.contains("alert"), "{error}");
    let mixed = format!("&sslcert={certificate}&sslkey={}", text(&client.key));
    let error = connect(&url(&mixed)).await.unwrap_err();
    assert!(
        error.contains("sslkey: the key does not belong to the certificate of sslcert"),
        "{error}"
    );
}

#[tokio::test]
async fn every_command_encrypts_its_connections() {
    let fixture = Fixture::start().await;
    let url = |authority: &str| {
        let parameters = format!("sslmode=verify-full&{authority}");
        fixture.url("postgres", "127.0.0.1", &parameters)
    };
    let (right, wrong) = (url(&fixture.trusted()), url(&fixture.other()));
    let commands: [&[&str]; 5] = [
        &["migrate"],
        &["topics"],
        &["admin", "create", "--email", "ada@example.com"],
        &["dead-letters", "list"],
        &["quarantine", "list"],
    ];
    for command in commands {
        let (success, printed) = program::run(command, &[("DATABASE_URL", &right)]).await;
        assert!(success, "{command:?}: {printed}");
        program::fails(command, &[("DATABASE_URL", &wrong)], "UnknownIssuer").await;
    }
}

#[tokio::test]
async fn without_a_file_the_authorities_are_those_of_the_system() {
    let fixture = Fixture::start().await;
    let [trusted, other] = [&fixture.certificates.trusted, &fixture.certificates.other]
        .map(|authority| ("SSL_CERT_FILE", text(&authority.file)));
    let url = fixture.url("postgres", "127.0.0.1", "sslmode=verify-full");
    for url in [url.clone(), format!("{url}&sslrootcert=system")] {
        let url = ("DATABASE_URL", url.as_str());
        let (success, printed) = program::run(&["migrate"], &[url, trusted]).await;
        assert!(success, "{printed}");
        program::fails(&["migrate"], &[url, other], "UnknownIssuer").await;
    }
}

#[tokio::test]
async fn a_file_that_is_missing_stops_the_start() {
    let settings = [
        (
            "DATABASE_URL",
            "postgres://bridge@127.0.0.1:1/spindle?sslrootcert=/missing.pem",
        ),
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("BRIDGE_LISTEN", "127.0.0.1:0"),
    ];
    let reason = "DATABASE_URL: sslrootcert: cannot read /missing.pem";
    program::fails(&["run"], &settings, reason).await;
}
