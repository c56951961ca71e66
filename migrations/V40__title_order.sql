-- Titles are listed as people sort them: case and accents count only between words that are equal otherwise, and numbers are ordered by
-- their values. The order of bytes puts `Zebra` before `apple`, and `task 10` before `task 2`.
--
-- The old index of titles stays for the API of the release before; a later migration drops it.
create collation if not exists title_order (provider = icu, locale = 'und-u-kn-true');
