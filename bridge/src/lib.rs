//! The native bridge: from the outbox to the log, and from the log to the agents. Modules in an event's travel order.

pub mod cli;
pub mod config;
pub mod migrate;
pub mod postgres;
pub mod telemetry;
