//! The Spin interfaces that functions import, one interface a file, implemented on `InstanceState`.

mod postgres;
mod redis;
mod variables;
