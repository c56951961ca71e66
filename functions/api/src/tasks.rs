//! Tasks: reading, listing, searching and changing them.
//!
//! A request runs one SQL statement, and a write emits its events in that statement. Only the merge of a part of a due date
//! runs two.

mod batch;
mod create;
mod day;
mod delete;
mod filter;
mod get;
mod highlight;
mod list;
mod order;
mod parameters;
mod restore;
mod search;
mod update;

pub use batch::batch;
pub use create::create;
pub use day::Day;
pub use delete::delete;
pub use get::get;
pub use list::list;
pub use restore::restore;
pub use update::{complete, patch, reopen, replace};
