//! Limits and lifetimes: concurrent instances, clients that disconnect, and shutdown.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::app::App;
use super::wait::until;

const MANIFEST: &str = r#"
[variables]
host = { required = true }
[[trigger.http]]
route = "/probe/..."
component = "probe"
[component.probe]
source = "WASM/guest_probe.wasm"
allowed_outbound_hosts = ["http://{{ host }}"]
"#;

/// An application whose function may call the listener; the listener; and the listener's URL.
async fn start() -> (App, TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = App::start(MANIFEST, &[("SPIN_VARIABLE_HOST", &address)]).await;
    (app, listener, format!("http://{address}/"))
}

/// Accepts the next connection from a function and reads its request.
async fn accept_call(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
    stream
}

#[tokio::test]
async fn instance_1001_is_refused_at_once() {
    // Each instance needs two sockets: one to its client and one to the listener.
    let (_, hard_limit) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard_limit, hard_limit).unwrap();
    let (app, listener, url) = start().await;
    let running = Arc::new(AtomicUsize::new(0));
    let count = running.clone();
    let silent = tokio::spawn(async move {
        let mut calls = Vec::new();
        loop {
            calls.push(accept_call(&listener).await);
            count.store(calls.len(), Ordering::Relaxed);
        }
    });
    let client = reqwest::Client::new();
    let mut waiting = JoinSet::new();
    for _ in 0..1_000 {
        let request = client.post(app.url("/probe/fetch")).body(url.clone());
        waiting.spawn(request.send());
    }
    until("a thousand instances", || async {
        running.load(Ordering::Relaxed) == 1_000
    })
    .await;
    assert_eq!(app.post("/probe/hello", "").await.status(), 500);
    assert!(app.output().contains("too many instances at once"));
    silent.abort();
    while let Some(answer) = waiting.join_next().await {
        assert_eq!(answer.unwrap().unwrap().status(), 200);
    }
    assert_eq!(app.ask("hello", "").await, "hello");
}

#[tokio::test]
async fn a_function_continues_after_its_client_disconnects() {
    let (app, listener, url) = start().await;
    let client = tokio::spawn(app.request("/probe/fetch_twice", &url).send());
    let mut first = accept_call(&listener).await;
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    assert_eq!(app.ask("hello", "").await, "hello");
    first
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    accept_call(&listener).await;
}

#[tokio::test]
async fn sigterm_aborts_requests_in_flight() {
    let (app, listener, url) = start().await;
    let clients: Vec<_> = (0..64)
        .map(|_| tokio::spawn(app.request("/probe/fetch", &url).send()))
        .collect();
    let mut unanswered = Vec::new();
    for _ in &clients {
        unanswered.push(accept_call(&listener).await);
    }
    let answers = Arc::new(AtomicUsize::new(0));
    // Functions that compute when the host stops.
    for _ in 0..16 {
        let (request, answers) = (app.request("/probe/hello", ""), answers.clone());
        tokio::spawn(async move {
            while let Some(request) = request.try_clone()
                && request.send().await.is_ok()
            {
                answers.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    until("the functions answer", async || {
        answers.load(Ordering::Relaxed) > 100
    })
    .await;
    app.signal(Signal::SIGTERM);
    let (code, output) = app.exited().await;
    assert_eq!(code, Some(0), "{output}");
    assert!(!output.contains("panicked"), "{output}");
    for client in clients {
        assert!(client.await.unwrap().is_err(), "a request was answered");
    }
}
