//! The servers that Spindle depends on: Postgres, Redis and Kafka, each started with its own directory on a free port.

pub mod install;
pub mod kafka;
pub mod kafka_acl;
pub mod postgres;
mod postgres_tls;
pub mod redis;
pub mod shared;

pub use kafka::Kafka;
pub use postgres::Postgres;
pub use redis::Redis;
