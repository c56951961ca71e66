//! Compares the connections with the accounts in the database: numbers that have not come, and accounts that have changed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Connection, Hub};
use crate::gateway::closing::Closing;
use crate::gateway::outlet::Item;

/// How long a committed change may take to come before the client is told to pull it. Usually it comes within milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The connections that a check is about.
#[derive(Debug)]
pub struct Asked {
    /// The users, and the number up to which all of each user's clients were complete at most.
    complete: HashMap<Uuid, i64>,
    /// Connections from this number on came later.
    next: u64,
    subscription: u64,
}

impl Asked {
    pub fn users(&self) -> Vec<Uuid> {
        self.complete.keys().copied().collect()
    }

    pub fn is_empty(&self) -> bool {
        self.complete.is_empty()
    }
}

/// An account as it is committed.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    pub stamp: i64,
    pub last: i64,
}

impl Hub {
    /// Begins a check. The accounts are read after it.
    pub fn ask(&self) -> Asked {
        let state = self.state();
        let complete = state.users.iter().map(|(user, connections)| {
            let complete = connections.iter().map(|connection| connection.complete);
            (*user, complete.max().unwrap_or_default())
        });
        Asked {
            complete: complete.collect(),
            next: state.next,
            subscription: state.subscription,
        }
    }

    /// Ends a check. `accounts` has no entry for a user whose account is closed.
    pub fn compare(&self, asked: &Asked, accounts: &HashMap<Uuid, Account>, now: Instant) {
        let mut state = self.state();
        // Numbers that were read before the subscription began say nothing about what was missed before it.
        let is_current = state.subscription == asked.subscription;
        for (user, complete) in &asked.complete {
            let account = accounts.get(user);
            // Numbers never go back, unless the database was restored.
            let went_back = account.is_some_and(|account| account.last < *complete);
            if went_back {
                state.rings.remove(*user, now);
            }
            let Some(connections) = state.users.get_mut(user) else {
                continue;
            };
            let ended = connections.extract_if(.., |connection| {
                connection.id < asked.next
                    && account.is_none_or(|account| account.stamp != connection.stamp)
            });
            let ended: Vec<Connection> = ended.collect();
            if let Some(account) = account {
                let slow = connections.extract_if(.., |connection| {
                    let is_told = connection.id >= asked.next
                        || self.tell_number(connection, account.last, is_current, went_back, now);
                    !is_told
                });
                let slow: Vec<Connection> = slow.collect();
                self.give_up(*user, slow);
            }
            for connection in ended {
                connection.outlet.close(Closing::CHANGED);
            }
        }
    }

    /// Tells a client the number that is committed, if it needs to know. False if there is no room.
    fn tell_number(
        &self,
        connection: &mut Connection,
        last: i64,
        is_current: bool,
        went_back: bool,
        now: Instant,
    ) -> bool {
        if connection.unsure && is_current {
            connection.unsure = false;
        } else if went_back {
            connection.complete = last;
        } else if connection.complete < last {
            // Whatever comes meanwhile begins the wait again, see `Connection::tell`.
            let since = *connection.behind.get_or_insert(now);
            if now.saturating_duration_since(since) < PATIENCE {
                return true;
            }
        } else {
            connection.behind = None;
            return true;
        }
        self.metrics.live.resyncs.inc();
        let seq = last.max(connection.complete);
        connection.tell(Item::resync(seq), seq)
    }
}
