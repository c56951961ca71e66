-- Charges an admitted request for the rows that it is about to change, in addition to its cost. The caller may get into debt,
-- see `charge_rate`. The commit releases the slot that `admit` has taken, so another one is taken.
--
-- p_rate  see `admit`
-- p_rows  number of rows
--
-- `rate` and `admitted` are as those of `admit`.
create or replace procedure admit_rows(p_rate text[], p_rows bigint, out rate text, out admitted boolean)
language plpgsql as $$
begin
    rate := charge_rate(p_rate, p_rows);
    commit;
    admitted := take_slot(p_rate);
    if not admitted then
        rate := 'busy ' || rate;
    end if;
end
$$;
