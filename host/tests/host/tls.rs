//! TLS to Postgres: it is used where the server offers it, and only with a certificate that the system trusts.

use std::fs;
use std::path::PathBuf;

use stage::certificates::Authority;
use stage::scratch::Scratch;
use stage::services::Postgres;

use super::app::App;
use super::postgres::MANIFEST;
use super::wait::until;

const USES_TLS: &str = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";

/// A Postgres whose certificate names 127.0.0.1, and the file with the authority that signed it.
async fn start() -> (Postgres, PathBuf, Scratch) {
    let folder = Scratch::new("host-tls").unwrap();
    let authority = Authority::new(folder.path(), "authority").unwrap();
    let signed = authority.sign("server", &["127.0.0.1"]).unwrap();
    let server = Postgres::start(folder.path().join("postgres"), false)
        .await
        .unwrap();
    server.serve_tls(&signed, None).await.unwrap();
    (server, authority.file, folder)
}

async fn app(server: &Postgres, host: &str, parameters: &str, trusted: &str) -> App {
    let address = format!("{host}:{}", server.port());
    let url = format!("postgres://postgres@{address}/postgres{parameters}");
    App::start(
        MANIFEST,
        &[
            ("SPIN_VARIABLE_URL", &url),
            ("SPIN_VARIABLE_ADDRESS", &address),
            ("SSL_CERT_FILE", trusted),
        ],
    )
    .await
}

#[tokio::test]
async fn a_connection_uses_tls_where_the_server_offers_it() {
    let (server, trusted, _folder) = start().await;
    let trusted = trusted.to_str().unwrap();
    for (parameters, uses_tls) in [
        ("?sslmode=require", "Boolean(true)"),
        ("", "Boolean(true)"),
        ("?sslmode=disable", "Boolean(false)"),
    ] {
        let app = app(&server, "127.0.0.1", parameters, trusted).await;
        let answer = app.ask("sql", USES_TLS).await;
        assert!(answer.contains(uses_tls), "{parameters}: {answer}");
        // The transaction status is read inside TLS, too.
        assert_eq!(app.post("/probe/sql", "begin").await.status(), 500);
        assert!(app.ask("sql", USES_TLS).await.contains(uses_tls));
    }

    server.run("alter system set ssl = off").await.unwrap();
    server.run("select pg_reload_conf()").await.unwrap();
    until("TLS is off", || async {
        server.run("show ssl").await.unwrap() == ["off"]
    })
    .await;
    let prefer = app(&server, "127.0.0.1", "", trusted).await;
    assert!(prefer.ask("sql", "select true").await.contains("true"));
    let require = app(&server, "127.0.0.1", "?sslmode=require", trusted).await;
    let refused = open_error(&require, &server, "127.0.0.1", "?sslmode=require").await;
    assert!(refused.contains("does not support TLS"), "{refused}");
}

#[tokio::test]
async fn an_invalid_certificate_is_refused() {
    let (server, trusted, folder) = start().await;
    let nobody = folder.path().join("nobody.pem");
    fs::write(&nobody, "").unwrap();
    let (trusted, nobody) = (trusted.to_str().unwrap(), nobody.to_str().unwrap());
    for (what, host, parameters, authorities) in [
        (
            "signed by nobody we trust",
            "127.0.0.1",
            "?sslmode=require",
            nobody,
        ),
        ("the same without sslmode", "127.0.0.1", "", nobody),
        ("for another host", "localhost", "?sslmode=require", trusted),
    ] {
        let app = app(&server, host, parameters, authorities).await;
        let error = open_error(&app, &server, host, parameters).await;
        assert!(
            error.contains("ConnectionFailed") && error.contains("TLS handshake"),
            "{what}: {error}"
        );
    }
}

async fn open_error(app: &App, server: &Postgres, host: &str, parameters: &str) -> String {
    let port = server.port();
    let url = format!("postgres://postgres@{host}:{port}/postgres{parameters}");
    app.ask("open", &url).await
}
