//! Accounts: making one, signing in, staying signed in. Answers with tokens are never kept for an `Idempotency-Key`, so
//! these requests ignore it: nothing at rest may open an account.

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

pub use admission::most as hashes_at_once;
pub use delete::delete;
pub use login::login;
pub use logout::logout;
pub use me::me;
pub use password::change_password;
pub use refresh::refresh;
pub use register::register;
pub use update::{update_me, update_user};
pub use users::{user, users};
