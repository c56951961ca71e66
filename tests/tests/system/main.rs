//! Every test that needs the running system, one at a time: the road, its faults, the API, and bad input.
#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON value lacks reads as null"
)]

mod accounts;
mod bad_input;
mod contention;
mod documents;
mod faults;
mod lists;
mod plans;
mod poison;
mod road;
mod search;
mod statements;
mod tasks;

use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::{Arguments, Trial};
use tests::stage::{Log, Stage};

/// Names a test on a log after its function.
macro_rules! on {
    ($stage:ident, $log:ident: $($area:ident :: { $($name:ident),+ $(,)? }),+ $(,)?) => {
        [$($($stage.trial(
            Log::$log,
            concat!(stringify!($area), "::", stringify!($name)),
            async |world: &mut tests::stage::World| $area::$name(world).await,
        )),+),+]
    };
}

fn trials(stage: &Stage) -> Vec<Trial> {
    let mut trials = Vec::new();
    trials.extend(on!(stage, Postgres:
        road::{one_task, every_kind_of_write, people_at_once},
        tasks::{
            create_and_read, conditions, merge_patch, put_replaces, complete_and_reopen, idempotency, dues,
        },
        lists::{filters_and_sort, pages_while_others_write, two_people},
        search::{
            words_and_phrases, any_script, the_best_match_first, changes_are_found, pages_of_equals, highlights, nothing_is_too_odd,
        },
        plans::{no_list_reads_everything},
        accounts::{
            sign_in, answers_hold_no_secret, refresh_rotates, logout_ends_one_session, a_new_password_ends_every_session,
            a_deleted_account_leaves_its_trail, account_events, health,
        },
        contention::{writers_with_if_match, one_key_from_many, one_id_from_many},
        bad_input::{
            malformed_json, wrong_fields, tokens, somebody_elses, queries_and_methods, stale_and_reused, accounts,
        },
        statements::{every_statement_prepares},
        documents::{examples_run},
        poison::{a_poison_event_stands_alone, replay_brings_it_home},
        faults::{
            bridge_killed, host_killed, redis_stopped, postgres_restarted, postgres_away, postgres_crashed, appends_cut_off,
            everything_twice, offsets_lost, one_of_two_bridges_killed,
        },
    ));
    trials.extend(on!(stage, Kafka:
        road::{one_task, every_kind_of_write, people_at_once},
        poison::{a_poison_event_stands_alone, replay_brings_it_home},
        faults::{
            bridge_killed, host_killed, kafka_stopped, redis_stopped, postgres_away, everything_twice, one_of_two_bridges_killed,
        },
    ));
    trials
}

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // They share a system and two cores.
    arguments.test_threads = Some(1);
    let stage = Stage::new()?;
    let conclusion = libtest_mimic::run(&arguments, trials(&stage));
    stage.clear();
    Ok(conclusion.exit_code())
}
