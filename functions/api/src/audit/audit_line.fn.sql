-- An entry of the audit trail as one line of an NDJSON export.
--
-- entry  a row of `audit_logs`
--
-- Returns the object of `audit_item` as text, ending in a line feed. The event's JSON text can contain line breaks, but only
-- between tokens (RFC 8259, section 7 forbids them inside strings), so spaces replace them.
create or replace function audit_line(entry audit_logs) returns text
language plpgsql stable parallel safe as $$
begin
    return translate(audit_item(entry)::text, e'\n\r', '  ') || e'\n';
end
$$;
