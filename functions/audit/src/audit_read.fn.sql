-- Parses the events of a frame.
--
-- events   JSON array of CloudEvents
-- refused  positions of events to skip, counted from 1; null skips none
--
-- Returns the events in their order, or null if one of them cannot be recorded. Such an event can also raise an error of
-- SQLSTATE class 22 or 54. `audit_refusal` tells which event it is, and the reason.
create or replace function audit_read(events json, refused integer[]) returns audit_event[]
language plpgsql stable
as $$
declare
    parsed audit_event[];
    valid  boolean;
begin
    select
        array_agg(row(
            e.n, e.id,
            case when length(e.id) = 36 then e.id::uuid end,
            -- Times in the API's format are cast directly, which is fast. All others go through `audit_time`, because a
            -- cast accepts formats that are not RFC 3339 and rounds to microseconds.
            case when e.time like '____-__-__T__:__:__.______Z' then e.time::timestamptz else audit_time(e.time) end,
            case when length(e.userid) = 36 then e.userid::uuid end,
            case when length(e.task_id) = 36 then e.task_id::uuid end,
            e.type, e.actor_type, e.actor_id, e.correlation_id, e.seq::bigint, e.raw
        )::audit_event),
        bool_and(length(e.id) = 36 and length(e.userid) = 36 and e.time is not null
            and e.type <> '' and length(e.type) <= 200
            and length(concat(e.actor_type, e.actor_id)) <= 500 and coalesce(length(e.correlation_id), 0) <= 500
            and strpos(concat(e.type, e.actor_type, e.actor_id, e.correlation_id), e'\n') = 0)
        into parsed, valid
    from (
        select d.n::integer as n, d.raw,
            d.doc ->> 'id' as id, d.doc ->> 'time' as "time", d.doc ->> 'userid' as userid, d.doc ->> 'type' as type,
            d.doc ->> 'seq' as seq, nullif(d.doc ->> 'correlationid', '') as correlation_id,
            nullif(d.doc #>> '{data,actor,type}', '') as actor_type, nullif(d.doc #>> '{data,actor,id}', '') as actor_id,
            coalesce(d.doc #>> '{data,task,id}', d.doc #>> '{data,task_id}', d.doc #>> '{data,reminder,task_id}',
                case when d.doc ->> 'type' like 'task.%' then d.doc ->> 'subject' end) as task_id
        from (
            select ordinality as n, value::text as raw, value::text::jsonb as doc
            from json_array_elements(events) with ordinality
            where refused is null or ordinality <> all (refused)
            offset 0
        ) d
        order by d.n
        offset 0
    ) e;

    return case when valid then parsed when parsed is null then '{}' end;
end
$$;
revoke execute on function audit_read(json, integer[]) from public;
