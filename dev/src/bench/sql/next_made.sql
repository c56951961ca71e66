-- Returns the number of occurrences that were made after others.
select count(*) from tasks where occurrence_number > 1
