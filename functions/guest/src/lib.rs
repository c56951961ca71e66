//! Code that all functions share: settings, Postgres, frames and acks, logging.

pub mod variables;
pub mod postgres;
pub mod frames;
pub mod logging;
