//! The harness of the system tests: it starts the whole system, sends requests as users do, and checks every response against
//! the OpenAPI document and every acknowledged write against the audit trail.
//!
//! The modules in the order in which a test meets them: [`runner`] runs tests on running systems ([`fixture`], [`settings`]);
//! users ([`client`], [`roles`], [`tokens`]) send requests and get responses ([`response`], [`contract`]); [`load`] lets many
//! users write at once and keeps what was [`acknowledged`]; [`checker`] and [`golden`] compare that with what was delivered.
//! [`live`] has clients that are told about changes, and [`spindle`] runs the command line. [`outside`] has the services that Spindle calls. [`zone_files`] knows the right instants. [`watched`] is how [`soak`]
//! and [`upgrade`] do all of it: on a system that is broken at random, and on one whose programs are replaced.
//! [`devices`] has users whose devices work offline. [`seed`] repeats a run that chose at random.
#![allow(
    clippy::indexing_slicing,
    reason = "indexing a JSON value with an absent member yields null"
)]

pub mod acknowledged;
pub mod checker;
pub mod client;
pub mod contract;
pub mod devices;
pub mod fixture;
pub mod golden;
pub mod live;
pub mod load;
pub mod outside;
pub mod response;
pub mod roles;
pub mod runner;
pub mod seed;
pub mod settings;
pub mod soak;
pub mod spindle;
pub mod tokens;
pub mod upgrade;
pub mod wait;
pub mod watched;
pub mod zone_files;
