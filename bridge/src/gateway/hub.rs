//! The hub: which connections there are, and what each of them is told. It does no I/O, and its caller tells it the time.
//!
//! The header of `gateway.rs` says why no client misses a change.

pub mod check;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use domain::live::Message;
use tracing::debug;
use uuid::Uuid;

use super::closing::Closing;
use super::outlet::{Item, Outlet};
use super::ring::{Forgotten, Rings};
use crate::metrics::Metrics;

/// Connections of one user at one gateway.
pub const MOST_CONNECTIONS: usize = 20;

/// The hub of one gateway.
#[derive(Debug)]
pub struct Hub {
    state: Mutex<State>,
    metrics: Metrics,
}

#[derive(Debug)]
struct State {
    rings: Rings,
    users: HashMap<Uuid, Vec<Connection>>,
    /// The number of the next connection.
    next: u64,
    /// How often the subscription has begun.
    subscription: u64,
}

/// A connection as the hub sees it.
#[derive(Debug)]
struct Connection {
    id: u64,
    /// The number up to which its client is complete, once it has read its queue and has pulled after a `resync`.
    complete: i64,
    /// What the account said when the ticket was issued, see `account_stamp`.
    stamp: i64,
    /// Messages may have been missed, and the client does not know yet.
    unsure: bool,
    /// Since when a number is known that is committed and has not come.
    behind: Option<Instant>,
    outlet: Outlet,
}

impl Connection {
    /// Queues a message, and remembers that the client is complete up to `seq` with it. False if there is no room.
    fn tell(&mut self, item: Item, seq: i64) -> bool {
        self.complete = seq;
        self.behind = None;
        self.outlet.push(item)
    }
}

/// A client that wants to be told about changes.
#[derive(Clone, Copy, Debug)]
pub struct Joining {
    pub user: Uuid,
    /// The number up to which the client is complete; none if it does not know.
    pub seq: Option<i64>,
    /// A number of the user that was committed, and a time before it was read.
    pub last: i64,
    pub since: Instant,
    pub stamp: i64,
}

/// Why a client did not join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    TooMany,
    /// More may have come than the hub remembers. The caller reads the user's number again.
    Forgotten,
}

/// A client that has joined. Dropping it ends the membership.
#[derive(Debug)]
pub struct Joined {
    /// The number that the messages which follow continue from.
    pub seq: i64,
    /// What the client is told first.
    pub first: Vec<Item>,
    hub: Arc<Hub>,
    user: Uuid,
    id: u64,
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.hub.leave(self.user, self.id);
    }
}

impl Hub {
    /// A hub whose rings have up to `most` bytes together.
    pub fn new(most: usize, metrics: Metrics, now: Instant) -> Self {
        Self {
            state: Mutex::new(State {
                rings: Rings::new(most, now),
                users: HashMap::new(),
                next: 0,
                subscription: 0,
            }),
            metrics,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The subscription is active from now on. What came before may have been missed, so all connections have to compare.
    pub fn subscribed(&self, now: Instant) {
        let mut state = self.state();
        state.subscription += 1;
        state.rings.clear(now);
        for connection in state.users.values_mut().flatten() {
            connection.unsure = true;
        }
    }

    /// Adds a connection, and decides what its client has to be told first.
    ///
    /// # Errors
    /// The user has too many, or the hub cannot decide.
    pub fn join(self: &Arc<Self>, joining: Joining, outlet: Outlet) -> Result<Joined, Refused> {
        let Joining {
            user,
            seq,
            last,
            since,
            stamp,
        } = joining;
        let mut state = self.state();
        let came = state.rings.last(user, since);
        let came = came.map_err(|Forgotten| Refused::Forgotten)?;
        let newest = last.max(came.unwrap_or(last));
        let missed = match seq {
            Some(seq) if seq == newest => Some(Vec::new()),
            // The ring counts only if it has what is committed: a repeat that came late may have begun it.
            Some(seq) if seq < newest && came.is_some_and(|came| came >= last) => {
                state.rings.after(user, seq)
            }
            _ => None,
        };
        let connections = state.users.get(&user).map_or(0, Vec::len);
        if connections >= MOST_CONNECTIONS {
            return Err(Refused::TooMany);
        }
        let (seq, first) = match (seq, missed) {
            (Some(seq), Some(missed)) => (seq, missed),
            _ => {
                self.metrics.live.resyncs.inc();
                (newest, vec![Item::resync(newest)])
            }
        };
        let id = state.next;
        state.next += 1;
        let connections = state.users.entry(user).or_default();
        connections.push(Connection {
            id,
            complete: newest,
            stamp,
            unsure: false,
            behind: None,
            outlet,
        });
        Ok(Joined {
            seq,
            first,
            hub: self.clone(),
            user,
            id,
        })
    }

    fn leave(&self, user: Uuid, id: u64) {
        let mut state = self.state();
        if let Some(connections) = state.users.get_mut(&user) {
            connections.retain(|connection| connection.id != id);
            if connections.is_empty() {
                state.users.remove(&user);
            }
        }
    }

    /// Passes a message on to the connections of its user, and keeps it in the ring.
    pub fn deliver(&self, message: Message, now: Instant) {
        let Message { user, seq, text } = message;
        let text = String::from(Box::<str>::from(text)).into();
        let mut state = self.state();
        state.rings.push(user, seq, &text, now);
        let bytes = i64::try_from(state.rings.bytes());
        self.metrics.live.ring_bytes.set(bytes.unwrap_or(i64::MAX));
        let Some(connections) = state.users.get_mut(&user) else {
            return;
        };
        let slow = connections.extract_if(.., |connection| {
            if seq <= connection.complete {
                return false;
            }
            let item = if seq == connection.complete.saturating_add(1) {
                self.metrics.live.messages.inc();
                Item {
                    change: Some(seq),
                    text: text.clone(),
                }
            } else {
                self.metrics.live.resyncs.inc();
                Item::resync(seq)
            };
            !connection.tell(item, seq)
        });
        let slow: Vec<Connection> = slow.collect();
        self.give_up(user, slow);
    }

    /// Ends connections whose clients read too slowly.
    fn give_up(&self, user: Uuid, slow: Vec<Connection>) {
        for connection in slow {
            debug!(user.id = %user, "a client reads too slowly");
            self.metrics.live.slow.inc();
            connection.outlet.close(Closing::SLOW);
        }
    }
}

#[cfg(test)]
mod tests;
