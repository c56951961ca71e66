//! An HTTP function that imports a capability which the embedded host lacks.
#![expect(unsafe_code, reason = "the macro that exports the function writes it")]
use anyhow::Result;
use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_component;
use spin_sdk::key_value::Store;

#[http_component]
fn handle(_: Request) -> Result<impl IntoResponse> {
    let keys = Store::open_default()?.get_keys()?;
    Ok(Response::new(200, keys.join("\n")))
}
