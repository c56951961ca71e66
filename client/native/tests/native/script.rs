//! A server that answers one request after the other, as a script says, and remembers what it was asked.

use std::path::Path;
use std::sync::{Arc, Mutex};

use client_native::api::Api;
use client_native::home::Home;
use client_native::http::Patience;
use client_native::session::{Session, Tokens};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;
use uuid::Uuid;

/// An answer; without a head, the connection is cut off instead.
pub struct Reply {
    head: Option<String>,
    body: String,
    /// What happens before the answer is sent.
    before: Option<Box<dyn FnOnce() + Send>>,
}

impl Reply {
    pub fn new(status: u16) -> Self {
        Self {
            head: Some(format!("HTTP/1.1 {status} x\r\nconnection: close\r\n")),
            body: String::new(),
            before: None,
        }
    }

    pub fn cut() -> Self {
        Self {
            head: None,
            ..Self::new(0)
        }
    }

    pub fn after(mut self, before: impl FnOnce() + Send + 'static) -> Self {
        self.before = Some(Box::new(before));
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head = self.head.map(|head| format!("{head}{name}: {value}\r\n"));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    pub fn text(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }
}

pub struct Script {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = asked.clone();
        tokio::spawn(async move {
            for reply in replies {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                heard.lock().unwrap().push(request);
                if let Some(before) = reply.before {
                    before();
                }
                if let Some(head) = reply.head {
                    let length = reply.body.len();
                    let answer = format!("{head}content-length: {length}\r\n\r\n{}", reply.body);
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        Self { address, asked }
    }

    /// What it was asked, in order: heads in the form in which they came, and bodies.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A client whose session is at this server.
    pub fn signed_in(&self, folder: &Path, patience: Patience) -> Api {
        let home = Home::open(folder).unwrap();
        let server: Url = self.address.parse().unwrap();
        let session = Session {
            live: server.clone(),
            server,
            user: Uuid::nil(),
            email: "ada@example.com".to_owned(),
            tokens: Some(Tokens {
                access_token: "old".to_owned(),
                refresh_token: "r1".to_owned(),
                ends_at: u64::MAX,
            }),
        };
        session.write(&home).unwrap();
        Api::open(&home, patience).unwrap()
    }
}

/// A request: its head, and a body as long as the head says.
async fn read(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.split("\r\n").next());
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        let read = stream.read_buf(&mut request).await.unwrap();
        assert!(read > 0, "the request is cut off: {text}");
    }
}
