//! The HTTP API: one request in, one statement to Postgres, one answer out. Modules in a request's travel order.
#![expect(
    unsafe_code,
    reason = "the trigger's macro exports its entry point with unsafe code; there is none of our own"
)]

mod accounts;
mod audit;
mod auth;
mod body;
mod cors;
mod health;
mod precondition;
mod problem;
mod query;
mod reply;
mod request;
mod router;
mod tasks;
mod trace;

use spin_sdk::http::{IncomingRequest, ResponseOutparam};

#[spin_sdk::http_component]
fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
    let mut request = request::Request::new(incoming);
    let answer = router::route(&mut request);
    reply::send(answer, &request, out);
}
