//! The HTTP API: one request in, one statement to Postgres, one answer out. Modules in a request's travel order.
#![cfg_attr(
    target_family = "wasm",
    expect(
        unsafe_code,
        reason = "the trigger's macro exports its entry point with unsafe code; there is none of our own"
    )
)]

mod http;
mod router;
mod auth;
mod write;
mod accounts;
mod tasks;
mod tags;
mod audit;
mod health;
mod openapi;

use spin_sdk::http::{IncomingRequest, ResponseOutparam};

/// The entry point. Only wasm exports it: native linkers do not take its name, and native tests do not need it.
#[cfg_attr(target_family = "wasm", spin_sdk::http_component)]
pub fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
    let mut request = http::request::Request::new(incoming);
    let answer = router::route(&mut request);
    http::reply::send(answer, &request, out);
}
