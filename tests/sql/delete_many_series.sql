-- Deletes the series of insert_many_series.sql.
delete from series where title = 'Not due'
