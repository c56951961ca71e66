//! Everything that runs a complete Spindle on one machine, for `cargo dev` and the tests: child processes, real servers, the
//! build of Spindle's own programs, and the system with handles to break its parts.

pub mod progress;
pub mod ports;
pub mod scratch;
pub mod certificates;
pub mod disk;
pub mod clock;
pub mod child;
pub mod proxy;
pub mod services;
pub mod components;
pub mod secrets;
pub mod external;
pub mod supervise;
pub mod system;
pub mod status;
pub mod stop;
pub mod task_list;
