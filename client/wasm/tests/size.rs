//! How much a browser downloads.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use stage::components;

/// In bytes, compressed as gzip does it. Brotli, which servers offer to browsers, needs a fifth less.
const LIMIT: usize = 100 * 1024;

/// `cargo dev test` builds the client in advance; otherwise this test does.
#[test]
fn the_client_for_browsers_is_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    if std::env::var_os("SPINDLE_ROOT").is_none() {
        components::build_browser(root).unwrap();
    }
    let wasm = std::fs::read(components::browser_wasm(root)).unwrap();
    let compressed = miniz_oxide::deflate::compress_to_vec(&wasm, 9).len();
    println!("{} bytes, {compressed} compressed", wasm.len());
    assert!(
        compressed < LIMIT,
        "{compressed} bytes compressed, the limit is {LIMIT}"
    );
}
