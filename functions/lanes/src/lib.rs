//! The health check of the lanes of this process, for Kubernetes: `GET /internal/lanes`.
//!
//! Spin does not notice that a connection to Redis is half open: it goes on, and no message arrives. Only a new process helps
//! then, so something outside must end this one.
#![cfg_attr(
    target_family = "wasm",
    expect(
        unsafe_code,
        reason = "the trigger's macro exports its entry point with unsafe code; this crate has none of its own"
    )
)]

pub mod probe;
pub mod verdict;

use guest::logging;
use spin_sdk::http::{Request, Response};

/// Entry point of the HTTP trigger. Only WebAssembly exports it: native linkers reject its name.
#[cfg_attr(target_family = "wasm", spin_sdk::http_component)]
pub fn handle(_: Request) -> Response {
    let verdict = probe::probe();
    if let Some(error) = &verdict.error {
        logging::warn("cannot probe the lanes")
            .field("error", error.as_str())
            .write();
    }
    Response::builder()
        .status(verdict.status())
        .header("content-type", "application/json")
        .header("cache-control", "no-store")
        .body(verdict.body())
        .build()
}
