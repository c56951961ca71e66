//! Code that all functions share: settings, tokens, Postgres, frames and acks, logging.

pub mod variables;
pub mod jwt;
pub mod service_token;
pub mod postgres;
pub mod frames;
pub mod logging;
