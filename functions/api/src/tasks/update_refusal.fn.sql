-- Why a change of a task is refused: not_recurring (a skip of a task that does not recur) · needs_due (the task would recur without a due
-- date). Null if it is not.
--
-- task              the task before the change
-- p_op              as in `update_task`
-- p_set_due, p_due, p_set_recurrence, p_recurrence   as in `update_task`
create or replace function update_refusal(
    task tasks, p_op text, p_set_due boolean, p_due text, p_set_recurrence boolean, p_recurrence text) returns text
language plpgsql immutable parallel safe as $$
declare
    has_due constant boolean := p_set_due and p_due is not null or not p_set_due and task.due is not null;
    cannot_skip constant boolean := p_op = 'skip' and task.recurrence is null;
    recurs constant boolean := p_recurrence is not null or not p_set_recurrence and task.recurrence is not null;
    outcome text;
begin
    outcome := case
        when cannot_skip then 'not_recurring'
        when recurs and not has_due then 'needs_due' end;
    return outcome;
end
$$;
