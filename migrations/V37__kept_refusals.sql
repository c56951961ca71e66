-- An Idempotency-Key keeps refusals too, and a refusal has no body.
alter table idempotency_keys alter column body drop not null;
