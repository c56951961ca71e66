//! The Redis and cron triggers: messages are serial per address, parallel across addresses; the host exits with Redis.

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use stage::scratch::Scratch;
use stage::services::Redis;

use super::app::App;
use super::wait::until;

const MANIFEST: &str = r#"
[variables]
redis = { required = true }
lane = { default = "lane" }
[[trigger.http]]
route = "/probe/..."
component = "probe"
[[trigger.redis]]
address = "redis://{{ redis }}/0"
channel = "{{ lane }}.0"
component = "collector"
[[trigger.redis]]
address = "redis://{{ redis }}/0"
channel = "{{ lane }}.0b"
component = "collector"
[[trigger.redis]]
address = "redis://{{ redis }}/1"
channel = "{{ lane }}.1"
component = "collector"
[[trigger.cron]]
cron_expression = "* * * * * *"
component = "ticker"
[component.probe]
source = "WASM/guest_probe.wasm"
[component.collector]
source = "WASM/guest_collector.wasm"
allowed_outbound_hosts = ["redis://{{ redis }}", "http://self"]
variables = { redis_url = "redis://{{ redis }}" }
[component.ticker]
source = "WASM/guest_ticker.wasm"
allowed_outbound_hosts = ["redis://{{ redis }}", "http://self"]
variables = { redis_url = "redis://{{ redis }}" }
"#;

async fn start() -> (App, Redis, MultiplexedConnection, Scratch) {
    let folder = Scratch::new("host-redis").unwrap();
    let server = Redis::start(folder.path()).await.unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let app = App::start(MANIFEST, &[("SPIN_VARIABLE_REDIS", &server.address())]).await;
    until("a subscription to all channels", || async {
        app.output().matches("Listening on").count() == 3
    })
    .await;
    (app, server, connection, folder)
}

async fn notes(connection: &MultiplexedConnection) -> Vec<String> {
    connection.clone().lrange("notes", 0, -1).await.unwrap()
}

#[tokio::test]
async fn messages_are_serial_per_address_and_parallel_across_addresses() {
    let (_app, _server, mut redis, _folder) = start().await;
    for (channel, message) in [
        ("lane.0", "trap"),
        ("lane.0", "fail"),
        ("lane.0", "a"),
        ("lane.0b", "b"),
        ("lane.1", "c"),
    ] {
        let receivers: usize = redis.publish(channel, message).await.unwrap();
        assert_eq!(receivers, 1, "{channel}");
    }
    // Neither the trap nor the error blocks the messages behind it.
    let reader = redis.clone();
    let noted = |note: &'static str| {
        let redis = reader.clone();
        move || {
            let redis = redis.clone();
            async move { notes(&redis).await.iter().any(|noted| noted == note) }
        }
    };
    until("the beginning of a", noted("begin a")).await;
    until("the beginning of c", noted("begin c")).await;
    assert!(
        !notes(&redis).await.contains(&"begin b".to_owned()),
        "b did not wait for a"
    );
    let _: usize = redis.rpush("gate a", "go").await.unwrap();
    until("the beginning of b", noted("begin b")).await;
    let order = notes(&redis).await;
    let position = |note: &str| order.iter().position(|noted| noted == note).unwrap();
    assert!(position("end a") < position("begin b"), "{order:?}");
}

#[tokio::test]
async fn functions_that_redis_and_cron_trigger_cannot_call_the_application_itself() {
    let (app, _server, mut redis, _folder) = start().await;
    assert_eq!(app.ask("hello", "").await, "hello");
    let urls = ["/probe/hello", "http://self.alt/probe/hello"];
    for url in urls {
        let _: usize = redis
            .publish("lane.0", format!("fetch {url}"))
            .await
            .unwrap();
    }
    for by in urls.into_iter().chain(["tick"]) {
        let reader = redis.clone();
        until(&format!("a refused request by {by}"), || async {
            let refused = format!("{by} ");
            notes(&reader)
                .await
                .iter()
                .any(|note| note.starts_with(&refused) && note.contains("HttpRequestUriInvalid"))
        })
        .await;
    }
}

#[tokio::test]
async fn cron_fires_and_the_host_exits_when_redis_goes_away() {
    let (app, server, redis, _folder) = start().await;
    until("a second tick", || {
        let mut redis = redis.clone();
        async move { redis.llen::<_, usize>("ticks").await.unwrap() >= 2 }
    })
    .await;
    server.kill().await;
    let (code, output) = app.exited().await;
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("lost the connection to Redis"), "{output}");

    let (code, output) = App::launch(MANIFEST, &[("SPIN_VARIABLE_REDIS", &server.address())])
        .exited()
        .await;
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("cannot connect to"), "{output}");
}
