//! The whole of Spindle on one machine, for `cargo dev` and the tests: child processes, real servers, the build of what runs on
//! them, and the system with handles to break its parts.

pub mod progress;
pub mod ports;
pub mod scratch;
pub mod child;
pub mod services;
pub mod components;
pub mod secrets;
pub mod given;
pub mod supervise;
pub mod system;
pub mod status;
pub mod task_list;
