//! Starting: errors name what is missing or unsupported, and compiled components come from the cache.

use std::time::{Duration, Instant};

use super::app::App;

#[tokio::test]
async fn a_start_that_fails_names_what_is_missing_or_unsupported() {
    let component = "[[trigger.http]]\nroute = \"/\"\ncomponent = \"one\"\n[component.one]\n";
    let probe = format!("{component}source = \"WASM/guest_probe.wasm\"\n");
    for (manifest, named) in [
        (
            format!("{component}source = \"WASM/guest_key_value.wasm\""),
            "fermyon:spin/key-value@2.0.0",
        ),
        (
            format!("{component}source = \"WASM/guest_collector.wasm\""),
            "`one` is not an HTTP handler",
        ),
        (
            format!("{component}source = \"WASM/nobody.wasm\""),
            "nobody.wasm",
        ),
        (
            format!("{probe}key_value_stores = [\"default\"]"),
            "key_value_stores",
        ),
        (
            format!("{probe}variables = {{ a = \"{{{{ nobody }}}}\" }}"),
            "nobody",
        ),
        (
            format!("[variables]\nkey = {{ required = true }}\n{probe}"),
            "SPIN_VARIABLE_KEY",
        ),
        (
            format!("[[trigger.mqtt]]\ncomponent = \"one\"\n{probe}"),
            "mqtt",
        ),
        (
            format!("{probe}allowed_outbound_hosts = [\"http://api.spin.internal\"]"),
            "service chaining",
        ),
    ] {
        let (code, output) = App::launch(&manifest, &[]).exited().await;
        assert_eq!(code, Some(1), "{manifest}\n{output}");
        assert!(output.contains(named), "no `{named}` in\n{output}");
    }
}

#[tokio::test]
async fn a_second_start_uses_the_cache() {
    let manifest = "[[trigger.http]]\nroute = \"/probe/...\"\ncomponent = \"probe\"\n[component.probe]\nsource = \"WASM/guest_probe.wasm\"";
    App::start(manifest, &[]).await;
    let started = Instant::now();
    let app = App::start(manifest, &[]).await;
    // To compile takes several seconds of CPU time. The limit leaves room for other tests on the same machine.
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(app.ask("hello", "").await, "hello");
}
