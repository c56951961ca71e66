//! The version of the database schema that this code needs.

/// Number of the newest file in `migrations/`. `/readyz` fails while the database is at an older version.
pub const SCHEMA_VERSION: &str = include_str!(concat!(env!("OUT_DIR"), "/schema_version"));
