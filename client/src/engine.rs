//! The engine: the store, the queue on top of it, and the requests that bring both together with the server.

mod edit;
mod exchange;
mod view;

pub use self::edit::{Edit, Refusal};
pub use self::exchange::Mismatch;
use crate::link::Link;
use crate::queue::Queue;
use crate::store::Store;
use crate::undo::History;

/// The state of one device of one user. Save it before a request is sent and after each change: a batch that was sent must be sent
/// again as it was.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) store: Store,
    /// The store that a first sync builds. What its pages do not have is gone, so it replaces the old one when it is complete.
    pub(crate) rebuilt: Option<Store>,
    /// Whether pages that belong together are not complete.
    pub(crate) paging: bool,
    pub(crate) queue: Queue,
    pub(crate) history: History,
    pub(crate) link: Link,
}

impl Engine {
    /// A device that knows nothing yet. It begins with a first sync.
    pub fn new() -> Self {
        Self {
            store: Store::default(),
            rebuilt: Some(Store::default()),
            paging: true,
            queue: Queue::default(),
            history: History::default(),
            link: Link::new(),
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}
