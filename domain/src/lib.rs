//! What tasks, due dates, accounts, events and frames are, and how they are parsed.
//!
//! Nothing here does I/O, reads a clock or makes an id: callers pass those in. Modules are listed in the order in which an
//! event travels.

mod text_enum;

pub mod json;
pub mod merge_patch;
pub mod text;
pub mod account;
pub mod passwords;
pub mod keys;
pub mod zone;
pub mod due;
pub mod recurrence;
pub mod reminder;
pub mod tag;
pub mod task;
pub mod scope;
pub mod words;
pub mod batch;
pub mod offline;
pub mod event;
pub mod frame;
pub mod live;
pub mod delivery;
pub mod notice;
pub mod push;
pub mod mail;
pub mod schema;
