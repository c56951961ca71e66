//! The sync engine of a client: what the server has said, what it has not confirmed yet, and both together as the view.
//!
//! Nothing here does I/O, reads a clock or makes an id: callers pass those in. So it runs natively, in browsers (`wasm/` has the C ABI),
//! and in a simulation of many devices. Modules are listed in the order in which a change travels: an operation is queued, sent,
//! and answered; what the server says goes into the store.

pub mod task;
pub mod operation;
pub mod undo;
pub mod sent;
pub mod queue;
pub mod answer;
pub mod live;
pub mod store;
pub mod link;
pub mod changes;
pub mod engine;
pub mod saved;
pub mod calls;
