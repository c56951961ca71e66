-- Charges a rate limit inside the statement that does the work. The lists of tasks use it; everything else is admitted by `admit`.
--
-- p_rate  an array, see `admit`
--
-- Returns what `charge_rate` returns.
create or replace function take_rate(p_rate text[]) returns text
language plpgsql strict volatile as $$
begin
    return charge_rate(p_rate, null);
end
$$;
