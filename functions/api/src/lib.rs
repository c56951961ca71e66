//! The HTTP API. A request runs one SQL statement in nearly all operations. The modules are in the order in which a request
//! passes through them.
#![cfg_attr(
    target_family = "wasm",
    expect(
        unsafe_code,
        reason = "the macro of the HTTP trigger generates unsafe code; this crate has none of its own"
    )
)]

mod http;
mod router;
mod auth;
mod write;
mod accounts;
mod tasks;
mod series;
mod tags;
mod reminders;
mod notifications;
mod push;
mod sync;
mod unsubscribe;
mod live;
mod jobs;
mod audit;
mod health;
mod openapi;

use spin_sdk::http::{IncomingRequest, ResponseOutparam};

/// The entry point of the component. Only WebAssembly exports it: native linkers reject its name, and native tests do not
/// call it.
#[cfg_attr(target_family = "wasm", spin_sdk::http_component)]
pub fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
    let mut request = http::request::Request::new(incoming);
    let answer = router::route(&mut request);
    let answer = http::rate::settle(answer, &mut request);
    http::reply::send(answer, &request, out);
}
