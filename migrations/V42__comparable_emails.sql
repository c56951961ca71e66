-- The API compares email addresses as RFC 8265 says: in Normalization Form C, with full-width and half-width characters as the usual
-- ones. So addresses that were stored in another form get this one. Where another account has it already, nothing changes.
with written as (
    select id, created_at, normalize(lower((
        select string_agg(case when c between U&'\FF01' and U&'\FFEE' and c <> U&'\FFE3' then normalize(c, nfkd) else c end, '' order by n)
        from regexp_split_to_table(email, '') with ordinality as characters (c, n))), nfc) as compared
    from users
    where octet_length(email) <> length(email)
), first as (
    select distinct on (compared) id, compared from written order by compared, created_at, id
)
update users u set email = f.compared
from first f
where u.id = f.id and u.email <> f.compared
    and not exists (select from users o where lower(o.email) = lower(f.compared) and o.id <> u.id);
