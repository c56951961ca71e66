//! Requests of functions to servers: several at once, each with its own end.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::app::App;

const MANIFEST: &str = r#"
[variables]
server = {}
[[trigger.http]]
route = "/probe/..."
component = "probe"
[component.probe]
source = "WASM/guest_probe.wasm"
allowed_outbound_hosts = ["{{ server }}"]
"#;

/// Reads a request, and answers as its path says. `/pair` is answered when two requests for it are there.
async fn serve(mut stream: TcpStream, pair: Arc<Barrier>) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\nhello") {
        assert_ne!(stream.read_buf(&mut request).await?, 0);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let answer = match request.split_whitespace().nth(1) {
        Some("/pair") => {
            pair.wait().await;
            "200 OK\r\ncontent-length: 4\r\n\r\nboth"
        }
        Some("/busy") => "429 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n",
        Some("/cut") => "200 OK\r\ncontent-length: 4\r\n\r\nbo",
        Some("/gone") => return Ok(()),
        Some("/partial") => {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbo";
            stream.write_all(head).await?;
            return std::future::pending().await;
        }
        _ => return std::future::pending().await,
    };
    let answer = format!("HTTP/1.1 {answer}");
    stream.write_all(answer.as_bytes()).await
}

#[tokio::test]
async fn many_requests_of_a_function_are_in_flight_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let _server = tokio::spawn(async move {
        let (mut connections, pair) = (JoinSet::new(), Arc::new(Barrier::new(2)));
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, Arc::clone(&pair)));
        }
    });
    let app = App::start(MANIFEST, &[("SPIN_VARIABLE_SERVER", &server)]).await;
    let requests = [
        (60_000, "/pair"),
        (500, "/hang"),
        (60_000, "/busy"),
        (500, "/partial"),
        (60_000, "/gone"),
        (60_000, "/cut"),
        (60_000, "/pair"),
    ];
    let lines = requests.map(|(milliseconds, path)| format!("{milliseconds} {server}{path}"));
    let answer = app.ask("post_all", &lines.join("\n")).await;
    let results: Vec<&str> = answer.lines().collect();
    // The first is answered only while the last is in flight.
    assert_eq!(results[0], "200 None both", "{answer}");
    assert_eq!(results[6], "200 None both", "{answer}");
    assert_eq!(results[2], "429 Some(\"7\") ", "{answer}");
    for late in [1, 3] {
        assert_eq!(results[late], "there was no complete response in time");
    }
    for failed in [4, 5] {
        assert!(
            results[failed].contains("fail") || results[failed].contains("closed"),
            "{answer}"
        );
    }
}
