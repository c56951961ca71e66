//! Tags of a user's live tasks: counting and renaming them.

mod list;
mod rename;

pub use list::list;
pub use rename::rename;
