//! Series of recurring tasks: what they are, a preview of what a rule does, and the occurrences that the agent makes.

pub mod item;
mod make;
mod occurrences;
mod pause;
mod preview;
mod read;

pub use make::{claim, make};
pub use occurrences::occurrences;
pub use pause::{make_next, pause, resume};
pub use preview::preview;
pub use read::get;
