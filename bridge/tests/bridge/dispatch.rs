//! Dispatch against test agents that speak the frame protocol over a real Redis.

mod fixture;
mod order;
mod lanes;
mod retries;
mod absence;
mod dead_letters;
mod installations;
