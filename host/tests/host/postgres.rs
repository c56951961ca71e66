//! `spin:postgres`: conversion of values, transactions left open, and reuse of connections.

use stage::services::shared;

use super::app::App;

pub const MANIFEST: &str = r#"
[variables]
url = { required = true }
address = { required = true }
[[trigger.http]]
route = "/probe/..."
component = "probe"
[component.probe]
source = "WASM/guest_probe.wasm"
allowed_outbound_hosts = ["postgres://{{ address }}"]
variables = { database_url = "{{ url }}" }
"#;

async fn start() -> App {
    let url = shared::database("host").await.unwrap();
    let address = url.split(['@', '/']).nth(3).unwrap().to_owned();
    App::start(
        MANIFEST,
        &[
            ("SPIN_VARIABLE_URL", &url),
            ("SPIN_VARIABLE_ADDRESS", &address),
        ],
    )
    .await
}

#[tokio::test]
async fn values_convert_as_they_do_on_spin() {
    let app = start().await;
    for (expression, expected) in [
        ("'a'::text", r#"Str("a")"#),
        ("null::int", "DbNull"),
        ("true", "Boolean(true)"),
        ("1::int2", "Int16(1)"),
        ("1::int8", "Int64(1)"),
        ("1.5::float4", "Floating32(1.5)"),
        ("1.50::numeric", r#"Decimal("1.50")"#),
        ("'\\x01'::bytea", "Binary([1])"),
        ("date '2024-02-29'", "Date((2024, 2, 29))"),
        ("time '01:02:03.5'", "Time((1, 2, 3, 500000000))"),
        (
            "timestamp '2024-02-29 01:02:03'",
            "Datetime((2024, 2, 29, 1, 2, 3, 0))",
        ),
        (
            "uuid '6f6c1f1e-0000-4000-8000-000000000000'",
            r#"Uuid("6f6c1f1e-0000-4000-8000-000000000000")"#,
        ),
        (
            "jsonb '{ \"a\": 1 }'",
            &format!("Jsonb({:?})", br#"{"a":1}"#),
        ),
        ("array['a', null]", r#"ArrayStr([Some("a"), None])"#),
        ("interval '1 day'", "days: 1, months: 0"),
        (
            "int4range(1, 5)",
            "RangeInt32((Some((1, RangeBoundKind::Inclusive)), Some((5, RangeBoundKind::Exclusive))))",
        ),
        ("json '{}'", "Unsupported("),
        ("'x'::name", "Unsupported("),
        ("inet '127.0.0.1'", "Unsupported("),
        ("array[true]", "Unsupported("),
        ("now()", "QueryFailed(QueryError::Text("),
    ] {
        let answer = app.ask("sql", &format!("select {expression}")).await;
        assert!(answer.contains(expected), "{expression}: {answer}");
    }
    assert!(app.ask("sql", "selec").await.contains(r#"code: "42601""#));
    assert!(
        app.ask(
            "sql3",
            "select 'a', uuid '6f6c1f1e-0000-4000-8000-000000000000'"
        )
        .await
        .contains("Unsupported")
    );
    assert!(
        app.ask("bind", "select $1::text::uuid")
            .await
            .contains("Uuid(")
    );
    assert!(
        app.ask("bind", "select $1::uuid")
            .await
            .contains("QueryFailed"),
        "text must not bind to uuid"
    );
}

#[tokio::test]
async fn only_errors_of_prepare_and_bind_have_a_code() {
    let app = start().await;
    app.ask("sql", "create table once (id int primary key)")
        .await;
    let with_code = [
        ("sql", "a missing table", "select * from nobody", "42P01"),
        ("sql", "a syntax error", "selec", "42601"),
        (
            "sql",
            "a constant, computed at bind",
            "select 1 / 0",
            "22012",
        ),
        (
            "execute",
            "`execute`, whenever the error arrives",
            "do $$ begin raise sqlstate '23505'; end $$",
            "23505",
        ),
    ];
    for (command, what, statement, code) in with_code {
        let answer = app.ask(command, statement).await;
        assert!(
            answer.contains("DbError") && answer.contains(&format!(r#"code: "{code}""#)),
            "{what}: {answer}"
        );
    }

    let insert = "insert into once values (1)";
    app.ask("sql", insert).await;
    let duplicate = r#"QueryFailed(QueryError::Text("db error: ERROR: duplicate key value violates unique constraint \"once_pkey\"\nDETAIL: Key (id)=(1) already exists.\n\nCaused by:\n    ERROR: duplicate key"#;
    for (what, statement, text) in [
        ("a constraint", insert, duplicate),
        (
            "an error after the first rows",
            "select 1 / (3000 - n) from generate_series(1, 4000) n",
            r#"Text("db error: ERROR: division by zero"#,
        ),
        (
            "an error in a function",
            "do $$ begin raise sqlstate '23505' using message = 'here'; end $$",
            r#"Text("db error: ERROR: here"#,
        ),
    ] {
        let answer = app.ask("sql", statement).await;
        assert!(answer.contains(text), "{what}: {answer}");
        assert!(!answer.contains("code:"), "{what}: {answer}");
    }
    let third = app.ask("sql3", insert).await;
    assert!(
        third.contains(r#"QueryFailed("db error: ERROR: dup"#),
        "{third}"
    );
    let lost = "select pg_terminate_backend(pg_backend_pid())";
    let lost = app.ask("sql", lost).await;
    assert!(lost.contains(r#"Text("db error: FATAL: "#), "{lost}");
}

#[tokio::test]
async fn a_result_larger_than_128_mib_is_refused() {
    let app = start().await;
    let answer = app
        .ask(
            "sql",
            "select repeat('x', 1024 * 1024) from generate_series(1, 128)",
        )
        .await;
    assert!(
        answer.contains(r#"Text("query result exceeds limit of 134217728 bytes"#),
        "{}",
        answer.chars().take(200).collect::<String>()
    );
    let next = app.ask("sql", "select 1").await;
    assert!(next.contains("Int32(1)"), "{next}");
}

#[tokio::test]
async fn a_transaction_left_open_fails_the_call_and_does_not_affect_the_next() {
    let app = start().await;
    app.ask("sql", "create table kept (id int)").await;
    for statement in [
        "begin",
        "start transaction",
        "/* a */ begin isolation level serializable",
    ] {
        let left_open = app.post("/probe/sql", statement).await;
        assert_eq!(left_open.status(), 500, "{statement}");
    }
    assert!(
        app.output().contains("ERROR") && app.output().contains("left a transaction open"),
        "{}",
        app.output()
    );
    app.ask("sql", "insert into kept values (1)").await;
    app.ask("sql", "insert into kept values ('no number')")
        .await;
    // More queries than there are idle connections, so that each of them is used once.
    for _ in 0..8 {
        assert!(
            app.ask("sql", "select count(*)::text from kept")
                .await
                .contains(r#"Str("1")"#)
        );
    }
}

#[tokio::test]
async fn a_reused_connection_has_its_settings_reset() {
    let app = start().await;
    app.ask("sql", "set statement_timeout = '7s'").await;
    let answers = [
        app.ask("sql", "show statement_timeout").await,
        app.ask("sql", "select pg_backend_pid()").await,
    ];
    assert!(answers[0].contains(r#"Str("0")"#), "{}", answers[0]);
    assert_eq!(answers[1], app.ask("sql", "select pg_backend_pid()").await);
}
