create table bench_users as select id, row_number() over () as n from users;
create unique index on bench_users (n);
