-- Sessions that begin after this may use TLS.
--
-- authority  the file in the data folder with the authority of clients' certificates, or nothing
alter system set ssl = on;
alter system set ssl_ca_file = '{authority}';
select pg_reload_conf();
