//! Code that all functions share: settings, tokens, Postgres, requests to servers, frames and acks, logging.

pub mod variables;
pub mod jwt;
pub mod service_token;
pub mod postgres;
pub mod http;
pub mod frames;
pub mod cron;
pub mod logging;
