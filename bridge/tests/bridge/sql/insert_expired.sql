-- Inserts rows that the sweep must keep and rows that it must remove, of each table of users' data. Their names tell which.
do $$
begin
    insert into users (id, email, password_hash) values ('00000000-0000-7000-8000-000000000001', 'ada@example.org', '');
    insert into idempotency_keys (user_id, key, fingerprint, outcome, created_at)
    select '00000000-0000-7000-8000-000000000001', name, '', 'made', clock_timestamp() - age
    from (values ('kept', interval '23 hours'), ('removed', interval '25 hours')) rows (name, age);
    insert into refresh_tokens (hash, user_id, family, expires_at)
    select convert_to(name, 'UTF8'), '00000000-0000-7000-8000-000000000001', gen_random_uuid(), clock_timestamp() - age
    from (values ('kept', interval '-1 hour'), ('removed', interval '1 hour')) rows (name, age);
    insert into tasks (id, user_id, title, seq, created_at, updated_at, deleted_at)
    select gen_random_uuid(), '00000000-0000-7000-8000-000000000001', name, 1, clock_timestamp() - age, clock_timestamp() - age,
        clock_timestamp() - age
    from (values ('kept', interval '29 days'), ('removed', interval '31 days')) rows (name, age);
    insert into jobs (id, user_id, kind, state, total, ended, updated_at)
    select gen_random_uuid(), '00000000-0000-7000-8000-000000000001', name, '{}', 1, true, clock_timestamp() - age
    from (values ('kept', interval '29 days'), ('removed', interval '31 days')) rows (name, age);
    insert into reminders (id, user_id, task_id, lead, created_at, updated_at)
    select gen_random_uuid(), user_id, id, '0', created_at, created_at from tasks;
    insert into deliveries (id, reminder_id, user_id, task_id, fire_at, channel, is_late, error, created_at, updated_at)
    select gen_random_uuid(), gen_random_uuid(), '00000000-0000-7000-8000-000000000001', gen_random_uuid(), clock_timestamp(), 'in_app',
        false, name, clock_timestamp() - age, clock_timestamp()
    from (values ('kept', interval '29 days'), ('removed', interval '31 days')) rows (name, age);
    insert into notifications (id, user_id, task_id, reminder_id, title, is_late, created_at)
    select gen_random_uuid(), '00000000-0000-7000-8000-000000000001', gen_random_uuid(), gen_random_uuid(), name, false,
        clock_timestamp() - age
    from (values ('kept', interval '89 days'), ('removed', interval '91 days')) rows (name, age);
    insert into live_tickets (hash, user_id, stamp, token_expires_at, expires_at)
    select convert_to(name, 'UTF8'), '00000000-0000-7000-8000-000000000001', 0, clock_timestamp(), clock_timestamp() - age
    from (values ('kept', interval '-1 minute'), ('removed', interval '1 s')) rows (name, age);
end
$$
