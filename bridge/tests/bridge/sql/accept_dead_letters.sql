-- Ends what refuse_dead_letters.sql began.
drop trigger refuse_dead_letters on log_records;
drop function refuse_dead_letters();
