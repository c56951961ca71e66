//! The system tests: delivery and its faults, the API, invalid input, authorisation, and query plans, on a running system.
#![allow(
    clippy::indexing_slicing,
    reason = "indexing a JSON value with an absent member yields null"
)]

mod accounts;
mod arguments;
mod bad_input;
mod batch;
mod browsers;
mod cli;
mod clocks;
mod contention;
mod counts;
mod delivery;
mod devices;
mod disks;
mod documents;
mod encrypted;
mod export;
mod fairness;
mod faults;
mod habits;
mod hostile;
mod idempotency;
mod jobs;
mod languages;
mod lists;
mod live;
mod matrix;
mod metrics;
mod networks;
mod orders;
mod pages;
mod pauses;
mod plans;
mod poison;
mod put;
mod rate_limits;
mod recurring;
mod reminders;
mod restore;
mod search;
mod series;
mod servers;
mod statements;
mod sync;
mod tags;
mod tasks;
mod unavailable;
mod users;
mod zones;

use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::Trial;
use tests::fixture::LogKind;
use tests::runner::Runner;

use self::cli::{processes, sessions};
use self::live::{access, breaks, frames, fuzz, limits};
use self::recurring::{cron, schedule, storm};
use self::reminders::{channels, inbox, messages, storm as reminder_storm, times};
use self::series::{changes, modes, rules};
use self::sync::{batches, offline, reads, series as offline_series};

/// Trials on a log, each named after its module and function.
macro_rules! trials {
    ($runner:ident, $log:ident: $($area:ident :: { $($name:ident),+ $(,)? }),+ $(,)?) => {
        [$($($runner.trial(
            LogKind::$log,
            concat!(stringify!($area), "::", stringify!($name)),
            async |fixture: &mut tests::fixture::Fixture| $area::$name(fixture).await,
        )),+),+]
    };
}

/// All tests in the order in which they run.
fn all_trials(runner: &Runner) -> Vec<Trial> {
    let mut trials = Vec::new();
    trials.extend(trials!(runner, Postgres:
        delivery::{one_task, every_kind_of_write, concurrent_users},
        tasks::{
            create_and_read, conditional_requests, merge_patch, complete_and_reopen, idempotency_keys, due_dates,
        },
        restore::{restore_undoes_a_deletion, restore_is_conditional, concurrent_restores_and_deletions},
        batch::{
            every_operation, results_in_order, atomic_batches, idempotency_key_of_a_batch, due_dates_in_a_batch,
            concurrent_batches, one_id_in_many_batches,
        },
        series::{
            a_series_begins, one_next_occurrence, reopened_and_completed_again, done_before_the_one_before_it,
            the_next_one_recurs_no_more, an_occurrence_is_skipped, a_pause, a_series_ends,
        },
        changes::{changes_of_one_or_all, changes_of_all, deletion_of_occurrences, a_new_timezone},
        modes::{early_and_late_days, early_and_late_times},
        rules::{previews, wrong_recurrences},
        reminders::{
            a_reminder_fires_once, reminders_follow_their_task, the_next_occurrence_has_its_own, preferences_of_reminders,
            wrong_reminders,
        },
        inbox::{
            repeated_until_acknowledged, a_reminder_is_snoozed, one_reminder_changes, the_inbox, many_agents_at_once,
            a_deleted_account_has_no_reminders,
        },
        messages::{by_email, quiet_hours, by_push, providers_that_fail, a_message_has_one_sender},
        channels::{the_channels_of_the_account, wrong_settings_of_a_channel, the_clock_jumps, two_agents_by_email},
        reminder_storm::{ten_thousand_at_once},
        times::{local_times_in_every_zone, leads_in_every_zone, days_count_on_the_calendar},
        live::{changes_arrive, other_changes_arrive, order_without_gaps, resume_from_the_ring, strangers_pull, two_gateways},
        access::{tickets, tickets_of_events, tickets_are_bounded, a_token_ends, accounts_change},
        limits::{twenty_connections, first_messages, half_open, a_slow_client},
        frames::{fragments_and_pings, broken_frames, closing_handshake, other_requests},
        fuzz::{random_frames},
        tags::{tags_are_counted, a_tag_is_renamed, a_tag_is_removed, tags_are_merged, tags_in_any_script, concurrent_renames},
        counts::{counts_follow_every_write},
        metrics::{metrics_that_scaling_needs},
        export::{
            filters_of_list_and_export, an_export_is_a_snapshot, an_export_is_interrupted, clients_that_stop_reading,
        },
        lists::{
            filters_and_sort, days_of_the_account, two_sort_keys, tasks_are_counted, deleted_tasks, lists_hold_own_tasks_only,
        },
        orders::{two_sort_keys_of_many_tasks},
        pages::{pages_of_changes, pages_during_writes},
        put::{put_replaces, put_what_was_read},
        languages::{
            titles_sort_as_people_do, what_nobody_sees, one_tag_in_any_case, emails_and_passwords_in_any_form,
        },
        search::{
            words_in_sql, words_and_phrases, any_script, best_match_first, changed_tasks_are_found, pages_of_equal_matches,
            highlights, any_query_is_accepted, vowel_signs_and_variants, apostrophes_and_invisible_characters, symbols,
            names_with_signs, words_with_punctuation, phrases_in_one_field, late_in_a_long_text, long_fragments,
            or_is_an_operator_in_capitals, many_matches,
        },
        plans::{every_list_reads_little, a_claim_reads_little, a_look_for_reminders_reads_little},
        accounts::{
            sign_in, unknown_accounts_are_refused_as_slowly, responses_hold_no_secret, refresh_tokens_rotate, logout_ends_one_session,
            a_new_password_ends_every_session, no_session_outlives_a_new_password, a_deleted_account_is_gone, account_events,
            health,
        },
        users::{
            the_first_admin, admins_read_and_change_users, a_demoted_admin_loses_access_at_once,
            a_new_timezone_moves_due_dates, services_act_for_users, token_keys_command,
        },
        zones::{
            every_zone_by_its_file, abbreviations_are_zones, years_and_notations, a_restored_day_ends_in_the_new_timezone,
        },
        rate_limits::{limits_per_user, sign_in_limits, failed_registrations_keep_no_slot, weak_token_keys_stop_the_start},
        fairness::{a_hostile_user, a_wait_for_the_rate_limit, reads_run_in_parallel},
        browsers::{only_listed_origins, responses_stay_private},
        contention::{partial_due_dates, writers_with_if_match, one_key_from_many_clients, one_id_from_many_clients},
        bad_input::{
            malformed_json, invalid_fields, rejected_tokens, resources_of_other_users, queries_and_methods,
            stale_versions_and_reused_keys, accounts, json_by_rfc_8259, hostile_headers, endless_bodies, hostile_batches,
        },
        hostile::{random_values, requests_without_a_host},
        unavailable::{a_read_only_database, a_statement_timeout, a_broken_statement},
        habits::{head_is_get_without_a_body, entity_tags, other_ways_to_ask, registration_signs_in, limits_are_named},
        idempotency::{keys_of_a_service, refusals_are_kept, equal_values_are_one_request, kept_answers_cost_nothing},
        jobs::{
            a_tag_of_many_tasks_is_renamed, jobs_of_a_user_run_in_order, due_dates_of_many_tasks_move, tasks_without_due_dates_need_no_job,
            an_account_with_many_tasks_is_deleted, large_tasks_need_a_job,
        },
        sync::{every_kind_of_change, tombstones, pages_while_eight_write, nothing_new, cursors},
        offline::{
            changes_are_merged, conflicts_are_kept, deletions_meet_edits, completions_offline,
        },
        batches::{operations_in_order, repeated_requests, requests_to_push},
        offline_series::{
            reminders_answered_offline, a_late_snooze, a_series_begins_anew_before_what_is_done, pauses_offline, series_move_offline, a_pause_outlives_the_rule,
            a_done_task_begins_a_series, a_lost_rule_comes_back, an_occurrence_is_made_anew, days_after_an_offline_completion,
        },
        reads::{a_delta_reads_little},
        devices::{devices_converge},
        cli::{
            offline_and_back, conflicts_and_rejections, undo, series_and_reminders, watch_prints_changes,
            a_proxy_answers_for_the_server,
        },
        processes::{commands_at_once, killed_in_the_middle},
        sessions::{signing_in_and_out, tokens_end},
        matrix::{every_operation_by_every_caller},
        statements::{every_statement_prepares},
        documents::{readme_examples_run, sync_example_runs, the_api_serves_its_document},
        // Before the tests that fill the log: it consumes every event in the log a second time.
        faults::{consumer_offsets_are_lost},
        poison::{a_poison_event_is_isolated, a_dead_letter_is_replayed},
        inbox::{the_host_was_down},
        recurring::{
            one_request_for_a_frame, lost_events, an_api_that_does_not_answer,
            a_wrong_service_key, service_tokens,
        },
        storm::{a_storm_of_completions},
        cron::{the_cron_trigger_alone, two_clocks_and_two_agents},
        schedule::{missed_by_schedule, missed_without_end, an_open_occurrence},
        faults::{
            bridge_killed, host_killed, redis_stopped, postgres_restarted, postgres_unavailable, postgres_killed,
            appends_interrupted, appends_refused, every_event_redelivered, one_of_two_bridges_killed,
        },
        breaks::{
            the_bridge_is_killed, the_host_is_killed, redis_is_stopped, redis_is_silent, a_number_that_never_comes,
        },
        pauses::{functions_paused, a_bridge_that_stops, bridge_paused, servers_paused},
        networks::{silent_links, slow_links, closed_links},
        servers::{postgres_read_only, redis_fails_over, redis_without_rights},
        encrypted::{redis_with_tls},
        disks::{postgres_full},
        clocks::{database_clock_steps},
    ));
    trials.extend(trials!(runner, Kafka:
        delivery::{one_task, every_kind_of_write, concurrent_users},
        live::{changes_arrive, order_without_gaps},
        breaks::{the_bridge_is_killed, redis_is_stopped},
        reminders::{a_reminder_fires_once, reminders_follow_their_task},
        inbox::{repeated_until_acknowledged, the_host_was_down},
        messages::{by_push},
        poison::{a_poison_event_is_isolated, a_dead_letter_is_replayed},
        recurring::{one_request_for_a_frame, lost_events},
        schedule::{missed_by_schedule},
        storm::{a_storm_of_completions},
        faults::{
            bridge_killed, host_killed, kafka_stopped, redis_stopped, postgres_unavailable, appends_refused,
            every_event_redelivered, one_of_two_bridges_killed,
        },
        pauses::{bridge_paused, servers_paused},
        networks::{silent_links, slow_links, closed_links},
        servers::{postgres_read_only, redis_fails_over, redis_without_rights, kafka_without_rights},
        disks::{kafka_full},
    ));
    trials
}

fn main() -> Result<ExitCode> {
    let (mut arguments, filters) = arguments::parse(std::env::args());
    // A test needs a system of its own while it runs, so a second thread would start a second system.
    arguments.test_threads = Some(1);
    let runner = Runner::new()?;
    let mut trials = all_trials(&runner);
    trials.retain(|trial| filters.select(trial.name()));
    let conclusion = libtest_mimic::run(&arguments, trials);
    runner.stop_systems();
    if !arguments.list {
        eprintln!("The slowest tests:\n{}", runner.slowest());
    }
    Ok(conclusion.exit_code())
}
