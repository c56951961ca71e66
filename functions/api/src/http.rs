//! What every operation stands on, in the order a request meets it: reading it, its limits, and writing the answer.

pub mod request;
pub mod trace;
pub mod cors;
pub mod address;
pub mod rate;
pub mod body;
pub mod query;
pub mod cursor;
pub mod page;
pub mod precondition;
pub mod problem;
pub mod reply;
