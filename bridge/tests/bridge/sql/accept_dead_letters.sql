-- Ends what refuse_dead_letters.sql began: drops its trigger, too.
drop function refuse_dead_letters() cascade
