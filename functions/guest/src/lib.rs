//! Plumbing that every function shares: its settings, Postgres, frames and their answers, and the log.

pub mod variables;
pub mod postgres;
pub mod frames;
pub mod logging;
