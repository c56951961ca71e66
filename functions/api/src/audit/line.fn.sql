-- An entry as one line of an export. A line feed in an event's JSON stands between its tokens, so a space may take its place.
create or replace function audit_line(entry audit_logs) returns text
language plpgsql stable parallel safe as $$
begin
    return translate(audit_item(entry)::text, e'\n\r', '  ') || e'\n';
end
$$;
