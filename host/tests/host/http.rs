//! The HTTP trigger, variables, and outbound connections.

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
