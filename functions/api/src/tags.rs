//! Tags of a user's tasks: counting and renaming them. Deleted tasks do not count.

mod list;
mod rename;

pub use list::list;
pub use rename::rename;
