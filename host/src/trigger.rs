//! The triggers: what invokes functions. Each invocation gets an instance of its own.

pub mod cron;
pub mod http;
pub mod redis;
