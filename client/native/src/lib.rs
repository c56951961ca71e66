//! The client as a program of an operating system uses it: the engine with a file store, HTTP, and the live connection.
//!
//! Several processes may use one home folder at the same time. SQLite's transactions order what they change; locks on files let one at a
//! time send, and one at a time refresh the tokens. The operating system frees both when a process ends, however it ends.
//! Modules are listed in the order in which a change travels.

pub mod error;
mod private;
pub mod home;
pub mod store;
pub mod device;
pub mod backoff;
pub mod http;
pub mod session;
pub mod api;
pub mod sync;
pub mod live;
