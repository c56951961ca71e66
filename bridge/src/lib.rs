//! The native bridge: from the outbox to the log, and from the log to the agents. Modules in an event's travel order.

pub mod cli;
pub mod config;
pub mod telemetry;
pub mod health;
pub mod metrics;
pub mod server;
pub mod migrate;
pub mod run;
pub mod postgres;
pub mod admin;
pub mod keys;
pub mod leases;
pub mod topics;
pub mod relay;
pub mod log;
pub mod dispatch;
pub mod policy;
pub mod dead_letter;
pub mod watch;
pub mod sweep;
