//! Real servers that Spindle stands on, started in a directory of their own on free ports.

pub mod install;
pub mod kafka;
pub mod postgres;
pub mod redis;
pub mod shared;

pub use kafka::Kafka;
pub use postgres::Postgres;
pub use redis::Redis;
