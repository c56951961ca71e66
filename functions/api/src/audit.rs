//! The endpoints that read the audit trail. functions/audit writes it.

mod export;
mod filter;
mod history;
mod list;
mod scope;
mod verify;

pub use export::export;
pub use history::history;
pub use list::list;
pub use verify::verify;
