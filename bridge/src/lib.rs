//! The native bridge: from the outbox to the log, and from the log to the agents. Modules in an event's travel order.

pub mod cli;
pub mod config;
pub mod dead_letter;
pub mod dispatch;
pub mod health;
pub mod leases;
pub mod log;
pub mod metrics;
pub mod migrate;
pub mod policy;
pub mod postgres;
pub mod relay;
pub mod run;
pub mod server;
pub mod sweep;
pub mod telemetry;
pub mod topics;
pub mod watch;
