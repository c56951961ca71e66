//! Tasks. A request sends one SQL statement (a merge of a due two), and a write emits its events in that statement.

mod batch;
mod create;
mod delete;
mod filter;
mod get;
mod highlight;
mod list;
mod parameters;
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
