//! The HTTP API: one request in, one statement to Postgres, one answer out. Modules in a request's travel order.
#![cfg_attr(
    target_family = "wasm",
    expect(
        unsafe_code,
        reason = "the trigger's macro exports its entry point with unsafe code; there is none of our own"
    )
)]

mod request;
mod trace;
mod router;
mod cors;
mod address;
mod auth;
mod rate;
mod body;
mod query;
mod cursor;
mod page;
mod precondition;
mod accounts;
mod tasks;
mod tags;
mod audit;
mod health;
mod openapi;
mod problem;
mod reply;

use spin_sdk::http::{IncomingRequest, ResponseOutparam};

/// The entry point. Only wasm exports it: native linkers do not take its name, and native tests do not need it.
#[cfg_attr(target_family = "wasm", spin_sdk::http_component)]
pub fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
    let mut request = request::Request::new(incoming);
    let answer = router::route(&mut request);
    reply::send(answer, &request, out);
}
