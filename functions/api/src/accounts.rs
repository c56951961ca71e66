//! Accounts: making one, signing in, staying signed in. Answers with tokens are never kept for an `Idempotency-Key`, so
//! these requests ignore it: nothing at rest may open an account.

mod login;
mod me;
mod passwords;
mod refresh;
mod register;
mod session;

pub use login::login;
pub use me::me;
pub use refresh::refresh;
pub use register::register;
