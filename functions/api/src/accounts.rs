//! Accounts: making one, signing in, staying signed in. Answers with tokens are never kept for an `Idempotency-Key`, so
//! these requests ignore it: nothing at rest may open an account.

mod delete;
mod login;
mod logout;
mod me;
mod password;
mod passwords;
mod refresh;
mod register;
mod session;

pub use delete::delete;
pub use login::login;
pub use logout::logout;
pub use me::me;
pub use password::change_password;
pub use refresh::refresh;
pub use register::register;
