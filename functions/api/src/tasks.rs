//! Tasks: each request is one statement, and each write carries its events.

mod batch;
mod create;
mod delete;
mod filter;
mod get;
mod highlight;
mod idempotency;
mod list;
mod restore;
mod search;
mod update;

pub use batch::batch;
pub use create::create;
pub use delete::delete;
pub use get::get;
pub use list::list;
pub use restore::restore;
pub use update::{complete, patch, reopen, replace};
