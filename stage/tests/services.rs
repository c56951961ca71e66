//! Each server keeps its port and its data when it is killed and restarted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use stage::scratch::Scratch;
use stage::services::{Kafka, Postgres, Redis, kafka, postgres, redis};

#[tokio::test]
async fn postgres_keeps_committed_data_through_kill_9() {
    let dir = Scratch::new("pg").unwrap();
    let server = Postgres::start(dir.path(), true).await.unwrap();
    server.create_database("kept").await.unwrap();
    let url = server.admin_url("kept");
    run(
        &url,
        "create table kept (id int); insert into kept values (7)",
    )
    .await;
    server.kill().await;
    assert!(!postgres::answers(&url).await);
    server.launch().await.unwrap();
    run(&url, "do $$ begin assert (select id from kept) = 7; end $$").await;
    server.restart().await.unwrap();
    run(&url, "do $$ begin assert (select id from kept) = 7; end $$").await;
    server.stop().await;
    let again = Postgres::start(dir.path(), true).await.unwrap();
    assert_eq!(again.port(), server.port());
    assert!(postgres::answers(&again.admin_url("kept")).await);
}

#[tokio::test]
async fn redis_comes_back_on_its_port() {
    let dir = Scratch::new("redis").unwrap();
    let server = Redis::start(dir.path()).await.unwrap();
    server.kill().await;
    assert!(!redis::answers(&server.address()).await);
    server.launch().await.unwrap();
    assert!(redis::answers(&server.address()).await);
}

#[tokio::test]
async fn kafka_comes_back_on_its_port() {
    let dir = Scratch::new("kafka").unwrap();
    let server = Kafka::start(dir.path()).await.unwrap();
    server.kill().await;
    server.launch().await.unwrap();
    server.restart().await.unwrap();
    kafka::jars().unwrap();
}

async fn run(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}
