//! The bridge carries events from the outbox to the event log, and from the log to the agents.
//!
//! Modules stand in the order in which an event travels.

pub mod cli;
pub mod config;
pub mod telemetry;
pub mod health;
pub mod metrics;
pub mod traces;
pub mod server;
pub mod migrate;
pub mod run;
pub mod tls;
pub mod postgres;
pub mod redis_client;
pub mod admin;
pub mod keys;
pub mod leases;
pub mod topics;
pub mod groups;
pub mod relay;
pub mod quarantine;
pub mod log;
pub mod doorbell;
pub mod dispatch;
pub mod clock;
pub mod gateway;
pub mod policy;
pub mod dead_letter;
pub mod monitor;
pub mod jobs;
pub mod sweep;
