-- Sessions that begin after this may use TLS.
alter system set ssl = on;
select pg_reload_conf();
