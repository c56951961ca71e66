//! The `.fn.sql` files of the workspace. `include_str!` lets cargo track exactly these files, so an edit elsewhere does
//! not recompile the bridge.

/// Pairs each path, given from the root of the workspace, with the text of the file.
macro_rules! embed {
    ($($path:literal,)+) => {
        &[$(($path, include_str!(concat!("../../../", $path)))),+]
    };
}

/// Path from the root of the workspace and text of each file, sorted by path. `bridge migrate` loads them in this
/// order.
pub(super) const FUNCTIONS: &[(&str, &str)] = embed![
    "bridge/src/admin/make_admin.fn.sql",
    "bridge/src/log/postgres/log_drain_batch.fn.sql",
    "bridge/src/sweep/sweep_idempotency_keys.fn.sql",
    "functions/api/src/accounts/admit_sign_in.fn.sql",
    "functions/api/src/accounts/change_password.fn.sql",
    "functions/api/src/accounts/delete_account.fn.sql",
    "functions/api/src/accounts/emit_account_event.fn.sql",
    "functions/api/src/accounts/emit_account_event_by.fn.sql",
    "functions/api/src/accounts/end_session.fn.sql",
    "functions/api/src/accounts/free_slot.fn.sql",
    "functions/api/src/accounts/is_timezone.fn.sql",
    "functions/api/src/accounts/issue_token.fn.sql",
    "functions/api/src/accounts/login_failed.fn.sql",
    "functions/api/src/accounts/login_user.fn.sql",
    "functions/api/src/accounts/refresh_session.fn.sql",
    "functions/api/src/accounts/register_user.fn.sql",
    "functions/api/src/accounts/session_owner.fn.sql",
    "functions/api/src/accounts/update_account.fn.sql",
    "functions/api/src/accounts/user_json.fn.sql",
    "functions/api/src/audit/audit_item.fn.sql",
    "functions/api/src/audit/audit_line.fn.sql",
    "functions/api/src/audit/matching_entries.fn.sql",
    "functions/api/src/http/rate/take_rate.fn.sql",
    "functions/api/src/tags/rename_tag.fn.sql",
    "functions/api/src/tasks/batch_tasks.fn.sql",
    "functions/api/src/tasks/create_task.fn.sql",
    "functions/api/src/tasks/delete_task.fn.sql",
    "functions/api/src/tasks/due_at.fn.sql",
    "functions/api/src/tasks/emit_task_events.fn.sql",
    "functions/api/src/tasks/fold.fn.sql",
    "functions/api/src/tasks/get_task.fn.sql",
    "functions/api/src/tasks/infixes.fn.sql",
    "functions/api/src/tasks/matching_tasks.fn.sql",
    "functions/api/src/tasks/planner_hint_many_match.fn.sql",
    "functions/api/src/tasks/restore_task.fn.sql",
    "functions/api/src/tasks/search_query.fn.sql",
    "functions/api/src/tasks/set_task_words.fn.sql",
    "functions/api/src/tasks/task_json.fn.sql",
    "functions/api/src/tasks/task_words.fn.sql",
    "functions/api/src/tasks/update_task.fn.sql",
    "functions/api/src/tasks/words.fn.sql",
    "functions/api/src/tasks/words_of.fn.sql",
    "functions/api/src/write/begin_write.fn.sql",
    "functions/api/src/write/keep_answer.fn.sql",
    "functions/audit/src/audit_append.fn.sql",
    "functions/audit/src/audit_append_frame.fn.sql",
    "functions/audit/src/audit_maintain.fn.sql",
    "functions/audit/src/audit_maintain_at.fn.sql",
    "functions/audit/src/audit_read.fn.sql",
    "functions/audit/src/audit_refusal.fn.sql",
    "functions/audit/src/audit_time.fn.sql",
];
