//! The version of the database schema that this code was built with.

/// The number of the newest file in `migrations/`. `/readyz` wants the database to be migrated at least to here.
pub const SCHEMA_VERSION: &str = include_str!(concat!(env!("OUT_DIR"), "/schema_version"));
