//! One test suite for both event logs: Kafka and Postgres must behave alike.

pub mod reader;
mod order;
mod sharing;
mod outbox;
mod retention;
mod dead_letters;
mod start;
mod wake_up;

/// Declares each scenario twice, once for each log.
macro_rules! on_both {
    ($($area:ident :: { $($test:ident),+ $(,)? }),+ $(,)?) => {
        mod postgres_log {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$area::$test(crate::support::LogKind::Postgres).await;
            })+)+
        }
        mod kafka_log {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$area::$test(crate::support::LogKind::Kafka).await;
            })+)+
        }
    };
}

on_both!(
    order::{
        events_of_a_user_stay_in_order, a_restart_resumes_at_the_committed_offset, rows_that_commit_late_are_not_lost,
        a_row_that_commits_seconds_late_is_not_overtaken,
    },
    sharing::{
        two_readers_share_the_partitions_and_one_takes_over, two_relays_share_the_shards,
        a_dead_bridge_does_not_count_after_the_clock_stepped_back,
    },
    outbox::{rows_for_an_unknown_topic_wait_alone, an_idle_look_does_not_read_dead_rows_again},
    retention::{records_that_a_group_missed_are_counted},
    start::{a_new_group_begins_where_its_row_says},
    dead_letters::{dead_letters_are_listed_replayed_and_discarded},
);
