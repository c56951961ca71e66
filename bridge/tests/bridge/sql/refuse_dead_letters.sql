-- Makes the log refuse dead letters, as an ACL does that lacks their topics.
do $do$
begin
    create function refuse_dead_letters() returns trigger
    language plpgsql as $$
    begin
        raise exception 'no right to write to %', new.topic using errcode = 'insufficient_privilege';
    end
    $$;
    create trigger refuse_dead_letters before insert on log_records
    for each row when (new.topic like '%.dlq') execute function refuse_dead_letters();
end
$do$
