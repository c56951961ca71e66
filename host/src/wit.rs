//! Bindings that the build script generates from the WIT in the spin-sdk package.

pub mod function {
    include!(concat!(env!("OUT_DIR"), "/function.rs"));
}

pub mod redis_function {
    include!(concat!(env!("OUT_DIR"), "/redis_function.rs"));
}

pub use function::fermyon::spin2_0_0::{redis, variables};
pub use function::spin::postgres3_0_0::postgres as postgres3;
pub use function::spin::postgres4_0_0::postgres as postgres4;
