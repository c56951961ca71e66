//! What only Kafka can do: refuse single records or whole topics, fall silent towards one bridge alone, and let a consumer stall.

mod access;
mod cut_off;
mod refusals;
mod stalls;
