//! One suite for both logs: whatever holds for one holds for the other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod reader;
mod order;
mod sharing;
mod dead_letters;

/// Each scenario twice, as a test on either log.
macro_rules! on_both {
    ($($area:ident :: { $($test:ident),+ $(,)? }),+ $(,)?) => {
        mod postgres_log {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                crate::$area::$test(crate::support::Kind::Postgres).await;
            })+)+
        }
        mod kafka_log {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                crate::$area::$test(crate::support::Kind::Kafka).await;
            })+)+
        }
    };
}

on_both!(
    order::{
        events_of_a_user_stay_in_order, a_restart_resumes_where_the_mark_was, rows_that_commit_late_are_not_lost,
    },
    sharing::{two_share_and_one_takes_over, two_relays_share_the_shards},
    dead_letters::{a_dead_letter_is_listed_replayed_and_put_aside},
);
