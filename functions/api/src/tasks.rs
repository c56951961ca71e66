//! Tasks: reading, listing, searching and changing them.
//!
//! A request runs one SQL statement, and a write emits its events in that statement. Only the merge of a part of a due date or
//! a recurrence runs two.

mod batch;
mod change;
mod create;
mod day;
mod delete;
mod filter;
mod get;
mod highlight;
mod list;
mod merge;
mod next;
mod order;
mod parameters;
mod restore;
mod scope;
mod search;
mod update;

pub use batch::{batch, created, updated};
pub use create::create;
pub use day::Day;
pub use delete::{delete, remove};
pub use get::get;
pub use list::list;
pub use parameters::due_texts;
pub use restore::restore;
pub use update::{change, complete, patch, reopen, replace, skip};
