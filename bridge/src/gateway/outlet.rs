//! The queue between the hub and one connection. It is bounded, so a client that reads slowly costs little and slows nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ws::Utf8Bytes;
use domain::live;
use tokio::sync::{mpsc, oneshot};

use super::closing::Closing;

/// What may wait for a connection: so many messages, of so many bytes.
pub const MOST_MESSAGES: usize = 256;
pub const MOST_BYTES: usize = 1024 * 1024;

/// A message for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The number of the change that the message tells; none for a `resync` of the gateway's own.
    pub change: Option<i64>,
    /// The same bytes for all connections of the user.
    pub text: Utf8Bytes,
}

impl Item {
    /// Tells the client to compare its number with this one.
    pub fn resync(seq: i64) -> Self {
        Self {
            change: None,
            text: live::resync(seq).into(),
        }
    }
}

/// The hub's end.
#[derive(Debug)]
pub struct Outlet {
    queue: mpsc::Sender<Item>,
    bytes: Arc<AtomicUsize>,
    close: oneshot::Sender<Closing>,
}

/// The connection's end.
#[derive(Debug)]
pub struct Inlet {
    queue: mpsc::Receiver<Item>,
    bytes: Arc<AtomicUsize>,
    close: oneshot::Receiver<Closing>,
}

/// Both ends of a new queue.
pub fn pair() -> (Outlet, Inlet) {
    let (sender, receiver) = mpsc::channel(MOST_MESSAGES);
    let (close, closed) = oneshot::channel();
    let bytes = Arc::new(AtomicUsize::new(0));
    let outlet = Outlet {
        queue: sender,
        bytes: bytes.clone(),
        close,
    };
    let inlet = Inlet {
        queue: receiver,
        bytes,
        close: closed,
    };
    (outlet, inlet)
}

impl Outlet {
    /// False if there is no room for the message. The client must be given up then, because it would miss a change.
    pub fn push(&self, item: Item) -> bool {
        let size = item.text.len();
        if self.bytes.load(Ordering::Relaxed) + size > MOST_BYTES {
            return false;
        }
        self.bytes.fetch_add(size, Ordering::Relaxed);
        self.queue.try_send(item).is_ok()
    }

    /// Ends the connection.
    pub fn close(self, closing: Closing) {
        // A connection that has ended needs no reason.
        let _ = self.close.send(closing);
    }
}

impl Inlet {
    /// The next message, or why the connection ends. Messages that wait are dropped at the end.
    pub async fn next(&mut self) -> Result<Item, Closing> {
        tokio::select! {
            biased;
            closing = &mut self.close => Err(closing.unwrap_or(Closing::STOPPING)),
            item = self.queue.recv() => match item {
                Some(item) => {
                    self.bytes.fetch_sub(item.text.len(), Ordering::Relaxed);
                    Ok(item)
                }
                // The hub sends the reason before it drops its end.
                None => Err((&mut self.close).await.unwrap_or(Closing::STOPPING)),
            },
        }
    }

    /// Why the connection ends. It is for a connection that is busy with a message.
    pub async fn closed(&mut self) -> Closing {
        (&mut self.close).await.unwrap_or(Closing::STOPPING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> Item {
        Item {
            change: Some(1),
            text: text.into(),
        }
    }

    #[tokio::test]
    async fn a_queue_has_room_for_so_many_messages_and_bytes() {
        let (outlet, mut inlet) = pair();
        for _ in 0..MOST_MESSAGES {
            assert!(outlet.push(item("x")));
        }
        assert!(!outlet.push(item("x")));
        assert_eq!(inlet.next().await, Ok(item("x")));
        let (outlet, mut inlet) = pair();
        let large = "x".repeat(MOST_BYTES);
        assert!(outlet.push(item(&large)));
        assert!(!outlet.push(item("x")));
        assert!(inlet.next().await.is_ok());
        assert!(outlet.push(item("x")));
    }

    #[tokio::test]
    async fn the_end_overtakes_what_waits() {
        let (outlet, mut inlet) = pair();
        assert!(outlet.push(item("x")));
        outlet.close(Closing::SLOW);
        assert_eq!(inlet.next().await, Err(Closing::SLOW));
    }
}
