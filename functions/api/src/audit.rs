//! The audit trail as clients read it; functions/audit writes it.

mod history;
mod list;
mod page;
mod scope;
mod verify;

pub use history::history;
pub use list::list;
pub use verify::verify;
