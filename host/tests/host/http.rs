//! The HTTP trigger, variables, and outbound connections.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::app::App;

const MANIFEST: &str = r#"
[variables]
own = { default = "sesame" }
host = { default = "self" }
[[trigger.http]]
route = "/probe/..."
component = "probe"
[[trigger.http]]
route = "/probe/exact/headers"
component = "probe"
[[trigger.http]]
route = "/users/:id/headers"
component = "probe"
[component.probe]
source = "WASM/guest_probe.wasm"
allowed_outbound_hosts = ["http://{{ host }}"]
variables = { open = "open {{ own }}" }
"#;

#[tokio::test]
async fn the_most_specific_route_serves_a_request_and_spins_headers_are_set() {
    let app = App::start(MANIFEST, &[]).await;
    let has = |text: &str, line: &str| {
        assert!(
            text.lines().any(|found| found == line),
            "no `{line}` in\n{text}"
        )
    };

    let wide = app.post("/probe/a/headers/?q=1", "").await;
    assert_eq!(wide.status(), 200);
    let wide = wide.text().await.unwrap();
    has(&wide, "spin-path-info: /a/headers/");
    has(&wide, "spin-matched-route: /probe/...");
    has(&wide, "spin-raw-component-route: /probe/...");
    has(&wide, "spin-component-route: /probe");
    has(&wide, "spin-base-path: /");
    has(
        &wide,
        &format!("spin-full-url: {}", app.url("/probe/a/headers/?q=1")),
    );
    assert!(wide.contains("spin-client-addr: 127.0.0.1:"), "{wide}");
    assert!(
        !wide.contains("\nhost: ") && !wide.starts_with("host: "),
        "functions get no Host header: {wide}"
    );

    has(
        &app.post("/probe/exact/headers", "")
            .await
            .text()
            .await
            .unwrap(),
        "spin-matched-route: /probe/exact/headers",
    );
    has(
        &app.post("/users/42/headers", "")
            .await
            .text()
            .await
            .unwrap(),
        "spin-path-match-id: 42",
    );
    assert_eq!(app.post("/elsewhere", "").await.status(), 404);
    assert_eq!(
        app.post("/.well-known/spin/health", "")
            .await
            .text()
            .await
            .unwrap(),
        "OK"
    );
}

/// Sends a request as it is written here, and reads until the server closes the connection.
async fn raw(app: &App, request: &[u8]) -> String {
    let url = app.url("");
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_header_that_is_not_utf_8_is_a_500() {
    let app = App::start(MANIFEST, &[]).await;
    let with = |path: &str, value: &[u8]| {
        let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-name: ");
        [head.as_bytes(), value, b"\r\n\r\n"].concat()
    };
    for (path, value, status) in [
        ("/probe/hello", b"\xff".as_slice(), "500"),
        ("/probe/hello", "\u{e9}".as_bytes(), "200"),
        ("/elsewhere", b"\xff", "404"),
        ("/.well-known/spin/health", b"\xff", "200"),
    ] {
        let answer = raw(&app, &with(path, value)).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(
            answer.starts_with(&expected),
            "{path} with {value:?}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_request_without_a_host_or_with_two_is_not_answered() {
    let app = App::start(MANIFEST, &[]).await;
    for (request, answered) in [
        ("GET /probe/hello HTTP/1.1\r\n", false),
        ("GET /probe/hello HTTP/1.0\r\n", false),
        ("GET /probe/hello HTTP/1.1\r\nhost: a b\r\n", false),
        ("GET http://b/probe/hello HTTP/1.1\r\nhost: a\r\n", false),
        ("GET http://a/probe/hello HTTP/1.1\r\nhost: a\r\n", true),
        ("GET http://a/probe/hello HTTP/1.1\r\n", true),
        ("GET /probe/hello HTTP/1.0\r\nhost: a\r\n", true),
        // The first one counts.
        ("GET /probe/hello HTTP/1.1\r\nhost: a\r\nhost: b\r\n", true),
        ("GET /elsewhere HTTP/1.1\r\n", true),
        ("GET /.well-known/spin/health HTTP/1.1\r\n", true),
    ] {
        let sent = format!("{request}connection: close\r\n\r\n");
        let answer = raw(&app, sent.as_bytes()).await;
        assert_eq!(
            answer.starts_with("HTTP/1."),
            answered,
            "{request}: {answer}"
        );
        assert_eq!(answer.is_empty(), !answered, "{request}: {answer}");
    }
}

#[tokio::test]
async fn info_names_the_application_and_its_version() {
    let app = App::start(MANIFEST, &[]).await;
    let info = app.post("/.well-known/spin/info", "").await;
    assert_eq!(info.status(), 200);
    assert_eq!(info.headers()["content-type"], "application/json");
    assert_eq!(
        info.text().await.unwrap(),
        "{\n  \"name\": \"test\",\n  \"version\": \"0.1.0\"\n}"
    );
    assert_eq!(app.post("/.well-known/spin/other", "").await.status(), 404);
}

#[tokio::test]
async fn a_trap_is_an_empty_500_and_the_host_keeps_serving() {
    let app = App::start(MANIFEST, &[]).await;
    let trapped = app.post("/probe/trap", "").await;
    assert_eq!(trapped.status(), 500);
    assert_eq!(trapped.text().await.unwrap(), "");
    assert!(
        app.output().contains("the function failed"),
        "{}",
        app.output()
    );
    assert_eq!(app.ask("hello", "").await, "hello");
}

#[tokio::test]
async fn a_function_reads_only_its_own_variables() {
    let app = App::start(MANIFEST, &[("SPIN_VARIABLE_OWN", "up")]).await;
    assert_eq!(app.ask("variable", "open").await, r#"Ok("open up")"#);
    assert!(app.ask("variable", "own").await.contains("Undefined"));
    assert!(app.ask("variable", "No").await.contains("InvalidName"));
}

#[tokio::test]
async fn a_function_connects_only_to_allowed_hosts() {
    let app = App::start(MANIFEST, &[]).await;
    let elsewhere = app.url("/probe/hello");
    assert_eq!(app.ask("fetch", "/probe/hello").await, "200 hello");
    assert!(
        app.ask("fetch", &elsewhere)
            .await
            .contains("HttpRequestDenied")
    );
    assert!(
        app.ask("open", "postgres://127.0.0.1/x")
            .await
            .contains("is not permitted")
    );
    assert!(
        app.ask("redis", "redis://127.0.0.1")
            .await
            .contains("InvalidAddress")
    );

    let (_, address) = elsewhere.split_once("://").unwrap();
    let (address, _) = address.split_once('/').unwrap();
    // A second application, which allows the address of the first one.
    let allowed = App::start(MANIFEST, &[("SPIN_VARIABLE_HOST", address)]).await;
    assert_eq!(allowed.ask("fetch", &elsewhere).await, "200 hello");
    assert!(
        allowed
            .ask("fetch", "/probe/hello")
            .await
            .contains("HttpRequestDenied")
    );
}
