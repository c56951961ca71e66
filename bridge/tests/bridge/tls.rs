//! Encrypted connections and logins, with certificates that the tests make.

pub mod certificates;
pub mod kafka;
pub mod oauth;
pub mod postgres;
pub mod redis;
