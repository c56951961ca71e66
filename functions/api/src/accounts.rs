//! Accounts: registration, sessions, the caller's own account, and the accounts that admins manage.
//!
//! These requests ignore `Idempotency-Key`. The answer to a request with a key is stored for a day, and a stored answer with
//! tokens would give access to the account.

mod admission;
mod delete;
mod login;
mod logout;
mod me;
mod password;
mod refresh;
mod register;
mod session;
mod update;
mod users;
mod verified;

pub use admission::hashes_at_once;
pub use delete::delete;
pub use login::login;
pub use logout::logout;
pub use me::me;
pub use password::change_password;
pub use refresh::refresh;
pub use register::register;
pub use update::{mute, update_me, update_user};
pub use users::{user, users};
