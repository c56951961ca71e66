//! A TCP proxy that can fall silent: connections stay open and carry nothing, as when a server vanishes without a word.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running proxy on the loopback interface. Dropping it closes its port.
pub struct Proxy {
    port: u16,
    silent: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// Starts a proxy for `target`, which is `host:port`, on a free port.
    pub async fn start(target: &str) -> Self {
        Self::start_on(stage::ports::free().unwrap(), target).await
    }

    pub async fn start_on(port: u16, target: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let (silent, is_silent) = watch::channel(false);
        let target: Arc<str> = target.into();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, target.clone(), is_silent.clone()));
            }
        });
        Self {
            port,
            silent,
            accepting,
        }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Carries nothing from now on; new connections are accepted and get no answer.
    pub fn fall_silent(&self) {
        self.silent.send_replace(true);
    }

    /// Carries new connections again. Those that were silent are closed, and what they held back is lost.
    pub fn recover(&self) {
        self.silent.send_replace(false);
    }
}

/// Carries one connection until an end closes it, or until the proxy recovers after it was silent.
async fn carry(mut client: TcpStream, target: Arc<str>, mut silent: watch::Receiver<bool>) {
    let carried = async {
        let mut server = TcpStream::connect(&*target).await?;
        let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
        loop {
            tokio::select! {
                read = client.read(&mut up) => match read? {
                    0 => return std::io::Result::Ok(()),
                    n => server.write_all(&up[..n]).await?,
                },
                read = server.read(&mut down) => match read? {
                    0 => return Ok(()),
                    n => client.write_all(&down[..n]).await?,
                },
            }
        }
    };
    tokio::pin!(carried);
    let mut falls_silent = silent.clone();
    tokio::select! {
        biased;
        _ = falls_silent.wait_for(|silent| *silent) => {}
        _ = &mut carried => return,
    }
    // Both streams live on in `carried`, so neither end sees the connection closed.
    let _ = silent.wait_for(|silent| !*silent).await;
}
