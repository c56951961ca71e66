-- Inserts tasks for 1,000 users; the first user gets one in ten. `$ROWS` is replaced by their number. The text consists of sentences in six
-- languages, up to 40 in a description: common words, and thousands of words made of syllables. As in real text, a word's frequency falls with its rank.
select setseed(0.5);

create temporary table bench_words as
with languages (language, gap, common, syllables) as (values
    ('en', ' ', 'the and for with call water plants report meeting invoice review project update prepare garden kitchen order book team customer draft budget plan weekly release check email doctor school groceries', 'ba ter ing con pro ment tion er ly est mar ket ford light stone work house ring land ver sho dle ran pet mil ton'),
    ('de', ' ', 'der und die für mit Rechnung schreiben Zimmerpflanzen gießen Müll rausbringen Garten Küche Termin Besprechung vorbereiten Übersicht Kunde Angebot prüfen Straße Bücher Arzt Schule einkaufen Bericht', 'schaft ung heit ver ge ab lich haus werk zeug berg tisch mann stein wasser kör fahr über grün stadt tag plan rech nung'),
    ('fr', ' ', 'le la et pour avec réunion facture préparer dîner café école médecin maison jardin payer loyer appeler rendez vous projet été élève côté', 'tion ment é ter ré pon ville bon jour par mai son ché leur ance té'),
    ('ru', ' ', 'и для с на полить цветы купить молоко отчёт встреча проект счёт врач школа дом сад письмо заказ план неделя', 'ство ние про пере ход лес го род вод ник ка ло та ми ре'),
    ('ja', '', '植物 に 水 を やる 買い物 会議 資料 準備 の する 電話 病院 学校 予定 確認 メール 請求書 送る 掃除 は と', '日 本 東 京 大 人 会 社 電 車 時 間 食 事 新 聞 書 手 紙 話'),
    ('zh', '', '的 了 和 植物 浇水 买菜 会议 报告 准备 医生 学校 项目 客户 发票 电话 检查 计划 更新 花园 厨房', '北 京 上 海 中 国 人 大 学 生 工 作 时 间 文 件 电 脑 手 机')
)
select language, gap, row_number() over (partition by language order by place) as place, word
from (
    select language, gap, place, word from languages, string_to_table(common, ' ') with ordinality as everyday (word, place)
    union all
    select language, gap, 1000 + place, string_agg(parts[1 + floor(random() * cardinality(parts))::integer], '' order by part)
    from (select language, gap, string_to_array(syllables, ' ') as parts from languages) made,
        generate_series(1, 4000) as place, generate_series(1, 2 + place % 2) as part
    group by language, gap, place
) words;
create index on bench_words (language, place);
analyze bench_words;

create temporary table bench_sentences as
select n as number, string_agg(word, gap order by part) as sentence
from (
    select n, (array['en', 'en', 'en', 'en', 'en', 'en', 'en', 'en', 'de', 'de', 'de', 'de', 'fr', 'fr', 'ru', 'ru', 'ja', 'ja', 'zh', 'zh'])[1 + n % 20] as language
    from generate_series(0, 19999) as n
) chosen
cross join lateral generate_series(1, 2 + floor(random() * 8 + 0 * n)::integer) as part
cross join lateral (select floor(exp(random() * ln(4020)))::integer as place where part > 0 and n >= 0) as pick
join bench_words using (language, place)
group by n;
create index on bench_sentences (number);
analyze bench_sentences;

-- Building the search index once is far faster than updating it for each row. Tags are not counted, because the rows that change for each
-- task slow down each other in one transaction.
set maintenance_work_mem = '512MB';
do $$
declare
    definition constant text := pg_get_indexdef('tasks_words'::regclass);
begin
    alter table tasks disable trigger tags_of_new;
    drop index tasks_words;
    insert into tasks (id, user_id, title, description, status, priority, tags, due, due_at, seq, created_at, updated_at, completed_at)
    select
        uuid_v7(),
        case when n % 10 = 0 then md5('1')::uuid else md5((2 + n % 999)::text)::uuid end,
        a.sentence,
        case n % 3
            when 0 then ''
            when 1 then b.sentence || '. ' || c.sentence || '.'
            else (select string_agg(sentence, '. ') from bench_sentences where number between numbers.b and numbers.b + n % 40)
        end,
        status,
        (array['low', 'medium', 'high', 'urgent'])[1 + n / 10 % 4],
        string_to_array((array['home', 'work', 'home garden', 'work urgent', 'calls'])[1 + n / 70 % 5], ' ')
            || case when n % 500 = 0 then array['rare'] else '{}' end,
        case when n / 10 % 3 = 0 then '{"date":"2026-01-01"}'::json end,
        case when n / 10 % 3 = 0 then made + interval '20 days' end,
        n,
        made,
        made,
        case when status = 'completed' then made end
    from (
        select
            n,
            now() - interval '400 days' + n * (interval '400 days' / $ROWS) as made,
            (array['open', 'in_progress', 'completed', 'completed', 'cancelled'])[1 + n / 30 % 5] as status,
            floor(random() * 20000)::integer as a,
            floor(random() * 20000)::integer as b,
            floor(random() * 20000)::integer as c
        from generate_series(1, $ROWS) as n
    ) numbers
    join bench_sentences a on a.number = numbers.a
    join bench_sentences b on b.number = numbers.b
    join bench_sentences c on c.number = numbers.c
    order by n;
    execute definition;
    alter table tasks enable trigger tags_of_new;
end
$$;
