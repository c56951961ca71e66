//! Clients whose bodies come slowly or not at all. Each is cut off after some seconds, and others are served in the meantime.

use std::cell::Cell;
use std::future::pending;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use serde_json::json;
use tests::client::Api;
use tests::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Clients for each body and path. All together are more than the connections that a process has to Postgres.
const CLIENTS: usize = 12;
/// The pause of a client between two pieces of its body.
const PAUSE: Duration = Duration::from_millis(200);
/// A client that sends nothing has 10 s, and the fastest of these has 12 s. The rest is for a busy machine.
const LIMIT: Duration = Duration::from_secs(25);
/// The longest wait of another user. If slow clients held what others need, it would be as long as theirs.
const SERVED_WITHIN: Duration = Duration::from_secs(5);

/// A body that does not end: the header that announces it, its beginning, and the piece that follows again and again.
struct Body {
    header: &'static str,
    beginning: &'static str,
    piece: String,
}

/// Nothing, one byte and 200 bytes in each pause. A client has to send 8 times as much.
fn bodies() -> [Body; 3] {
    let body = |header, beginning, piece| Body {
        header,
        beginning,
        piece,
    };
    [
        body("content-length: 100", "{", String::new()),
        body("content-length: 100000", "{", " ".to_owned()),
        body(
            "transfer-encoding: chunked",
            "1\r\n{\r\n",
            format!("c8\r\n{:200}\r\n", ""),
        ),
    ]
}

/// Slow bodies with and without an access token. Those with one are charged.
pub async fn are_cut_off(api: &Api) -> Result<()> {
    let (slow, other) = (api.new_user("UTC").await?, api.new_user("UTC").await?);
    let token = format!("authorization: Bearer {}\r\n", slow.token);
    let (bodies, all_ended) = (bodies(), Cell::new(false));
    let clients = async {
        let mut clients = Vec::new();
        for body in &bodies {
            for (path, token) in [("/api/tasks", token.as_str()), ("/api/auth/login", "")] {
                clients.extend((0..CLIENTS).map(|_| is_cut_off(api, path, token, body)));
            }
        }
        let ended = try_join_all(clients).await;
        all_ended.set(true);
        ended
    };
    let others = async {
        let (mut served, mut slowest) = (0, Duration::ZERO);
        while !all_ended.get() {
            let began = Instant::now();
            other.create(json!({"title": "Served"})).await?;
            slowest = slowest.max(began.elapsed());
            served += 1;
            wait::during(PAUSE).await;
        }
        anyhow::Ok((served, slowest))
    };
    let (clients, others) = tokio::join!(clients, others);
    clients?;
    let (served, slowest) = others?;
    ensure!(
        served >= 5 && slowest < SERVED_WITHIN,
        "beside slow clients, {served} requests were served, and one took {slowest:?}"
    );
    Ok(())
}

/// Sends a request with this body until there is a response, which must be a 408.
async fn is_cut_off(api: &Api, path: &str, token: &str, body: &Body) -> Result<()> {
    let host = api.base().trim_start_matches("http://");
    let (header, beginning) = (body.header, body.beginning);
    let mut stream = TcpStream::connect(host).await?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n{header}\r\n{token}\r\n{beginning}"
    );
    stream.write_all(head.as_bytes()).await?;
    let (mut reader, mut writer) = stream.split();
    let mut answer = vec![0; 4096];
    let drip = async {
        while writer.write_all(body.piece.as_bytes()).await.is_ok() {
            wait::during(PAUSE).await;
        }
        // The connection is closed; the response is still to be read.
        pending().await
    };
    let response = async {
        tokio::select! {
            length = reader.read(&mut answer) => length,
            never = drip => never,
        }
    };
    let what = || {
        format!(
            "no response to a body with `{header}` and pieces of {} bytes",
            body.piece.len()
        )
    };
    let length = tokio::time::timeout(LIMIT, response)
        .await
        .with_context(what)?
        .with_context(what)?;
    let answer = String::from_utf8_lossy(&answer[..length]).to_ascii_lowercase();
    ensure!(answer.starts_with("http/1.1 408 "), "{}: {answer}", what());
    ensure!(
        token.is_empty() || answer.contains("\r\nratelimit: \"write\";r="),
        "a slow body is free: {answer}"
    );
    Ok(())
}
