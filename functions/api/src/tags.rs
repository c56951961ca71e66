//! Tags of a user's tasks: counting, renaming and removing them. Deleted tasks do not count.

mod list;
mod remove;
mod rename;

pub use list::list;
pub use remove::remove;
pub use rename::rename;
