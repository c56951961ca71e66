//! What stops the start, by its name, and how long a start takes that has nothing to compile.
use std::time::{Duration, Instant};

use super::app::App;

#[tokio::test]
async fn what_the_host_lacks_or_misses_stops_the_start_by_its_name() {
    let component = "[[trigger.http]]\nroute = \"/\"\ncomponent = \"one\"\n[component.one]\n";
    let probe = format!("{component}source = \"WASM/guest_probe.wasm\"\n");
    for (manifest, name) in [
        (
            format!("{component}source = \"WASM/guest_needy.wasm\""),
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
        let (code, output) = App::launch(&manifest, &[]).ended().await;
        assert_eq!(code, Some(1), "{manifest}\n{output}");
        assert!(output.contains(name), "no `{name}` in\n{output}");
    }
}

#[tokio::test]
async fn a_second_start_compiles_nothing() {
    let manifest = "[[trigger.http]]\nroute = \"/probe/...\"\ncomponent = \"probe\"\n[component.probe]\nsource = \"WASM/guest_probe.wasm\"";
    App::start(manifest, &[]).await;
    let begin = Instant::now();
    let app = App::start(manifest, &[]).await;
    // Compiling takes several seconds of CPU; the limit leaves room for a machine that is busy with other tests.
    assert!(
        begin.elapsed() < Duration::from_secs(3),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(app.ask("hello", "").await, "hello");
}
