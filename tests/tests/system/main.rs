//! Every test that needs the running system, one at a time: the road, its faults, the API, and bad input.
#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON value lacks reads as null"
)]

mod accounts;
mod bad_input;
mod batch;
mod browsers;
mod contention;
mod documents;
mod export;
mod faults;
mod lists;
mod matrix;
mod plans;
mod poison;
mod rates;
mod restore;
mod road;
mod search;
mod statements;
mod tags;
mod tasks;
mod users;

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
        restore::{restore_brings_back, restore_has_conditions, restores_and_deletes_race},
        batch::{
            every_operation, results_in_order, atomic_is_all_or_nothing, one_key_one_batch, dues_in_a_batch,
            batches_race, one_id_in_two_batches,
        },
        tags::{tags_are_counted, a_tag_is_renamed, a_tag_is_merged, tags_of_any_script, renames_race},
        export::{
            filters_of_list_and_export, an_export_ends_where_it_began, an_export_is_cut_off, readers_that_leave,
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
        users::{
            an_operator_makes_the_first_admin, admins_see_and_change_users, a_demoted_admin_is_none_at_once,
            a_new_timezone_moves_dates, services_act_for_users, keys_are_made_and_checked,
        },
        rates::{users_have_rates, signing_in_has_rates, weak_keys_stop_the_start},
        browsers::{only_listed_origins, answers_stay_private},
        contention::{writers_with_if_match, one_key_from_many, one_id_from_many},
        bad_input::{
            malformed_json, wrong_fields, tokens, somebody_elses, queries_and_methods, stale_and_reused, accounts,
            json_by_the_book, header_abuse, bodies_without_end,
            hostile_batches,
        },
        matrix::{everybody_everything},
        statements::{every_statement_prepares},
        documents::{examples_run, the_api_describes_itself},
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
