-- Appends the events of a frame with `audit_append`, and tells an error that one of the events causes from one that is not the
-- fault of any event. The host does not pass the SQLSTATE of an execution error on to a function, so this is decided here.
--
-- events  JSON array of CloudEvents
--
-- Returns one row:
--   results  the results of `audit_append`, or null if an event causes an error; then nothing is recorded
--   code     the SQLSTATE of that error, or null
--   reason   the message of that error, or null
-- Every error that is not the fault of an event is an error of the statement, for example a full disk, a missing privilege, or a
-- cancelled statement.
--
-- The block with the exception clause is one subtransaction for each frame.
create or replace function audit_append_frame(events text, out results text, out code text, out reason text)
language plpgsql
as $$
begin
    results := audit_append(events);
exception
    -- Classes 22, 23, 44, 54 and P0 in appendix A of the Postgres manual.
    when data_exception or integrity_constraint_violation or with_check_option_violation or program_limit_exceeded
        or plpgsql_error
    then
        get stacked diagnostics code = returned_sqlstate, reason = message_text;
end
$$;
revoke execute on function audit_append_frame(text) from public;
grant execute on function audit_append_frame(text) to spindle_agent;
