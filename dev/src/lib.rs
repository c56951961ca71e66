//! The whole of Spindle on one machine: real services, the guests' build, and the system they make up.

pub mod bench;
pub mod child;
pub mod commands;
pub mod components;
pub mod given;
pub mod host;
pub mod ports;
pub mod progress;
pub mod scratch;
pub mod secrets;
pub mod services;
pub mod status;
pub mod supervise;
pub mod system;
