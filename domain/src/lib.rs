//! What a task, a due, an event and a frame *are*: no I/O, no clock, no ids of its own. Modules in an event's travel order.

pub mod json;
mod words;
pub mod account;
pub mod passwords;
pub mod keys;
pub mod due;
pub mod task;
pub mod tag;
pub mod batch;
pub mod event;
pub mod frame;
pub mod schema;
