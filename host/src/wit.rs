//! The bindings that the build script generates from the WIT files of the spin-sdk package.

pub mod imports {
    include!(concat!(env!("OUT_DIR"), "/imports.rs"));
}

pub mod redis_handler {
    include!(concat!(env!("OUT_DIR"), "/redis_handler.rs"));
}

pub use imports::fermyon::spin2_0_0::{redis, variables};
pub use imports::spin::postgres3_0_0::postgres as postgres3;
pub use imports::spin::postgres4_0_0::postgres as postgres4;
