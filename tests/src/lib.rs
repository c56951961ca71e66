//! The harness of the whole road, in the order a test meets it: the stage with the running system, people and their
//! requests, what they were told, many of them at once, and the judge.

pub mod stage;
pub mod world;
pub mod client;
pub mod tokens;
pub mod ledger;
pub mod load;
pub mod checker;
pub mod shape;
pub mod wait;
