//! HTTP parts that all operations share: reading requests, rate limits, pages, and writing responses. In the order in which
//! a request uses them.

pub mod request;
pub mod trace;
pub mod cors;
pub mod address;
pub mod rate;
pub mod pace;
pub mod body;
pub mod query;
pub mod cursor;
pub mod page;
pub mod precondition;
pub mod problem;
pub mod reply;
