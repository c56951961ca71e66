//! What only Kafka can do to the relay: refuse single records or whole topics, and fall silent towards one bridge alone.

mod access;
mod cut_off;
mod refusals;
