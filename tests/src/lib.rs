//! The harness of the whole road, in the order a test meets it: the stage with the running system, people and their
//! requests, the document that answers keep to, what they were told, many of them at once, and the judge.
#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON value lacks reads as null"
)]

pub mod answer;
pub mod checker;
pub mod client;
pub mod contract;
pub mod ledger;
pub mod load;
pub mod settings;
pub mod shape;
pub mod stage;
pub mod staff;
pub mod tokens;
pub mod wait;
pub mod world;
