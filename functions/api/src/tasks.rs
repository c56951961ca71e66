//! Tasks: each request is one statement, and each write carries its events.

mod create;
mod delete;
mod filter;
mod get;
mod highlight;
mod idempotency;
mod list;
mod search;
mod update;

pub use create::create;
pub use delete::delete;
pub use get::get;
pub use list::list;
pub use update::{complete, patch, reopen, replace};
