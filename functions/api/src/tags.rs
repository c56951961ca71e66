//! Tags: what a user's live tasks are filed under.

mod list;
mod rename;

pub use list::list;
pub use rename::rename;
