//! The link to the server: which request is on its way, and whether another one is due.

/// What is known about requests and the live connection. Nothing of it outlives the process but what [`Link::new`] says.
#[derive(Clone, Debug)]
pub struct Link {
    /// Whether the live connection is open, so that changes come without asking.
    live: bool,
    /// The highest number that an answer has named. The change comes live, or with the next pull.
    told: u64,
    /// Whether a pull is due.
    pull: bool,
    number: u64,
    asked: Option<Asked>,
}

/// The kind of the request that is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Pull,
    Push,
}

impl Link {
    /// A link without a request on its way. A pull is due, because the server may have changes that nobody has told of.
    pub fn new() -> Self {
        Self {
            live: false,
            told: 0,
            pull: true,
            number: 0,
            asked: None,
        }
    }

    /// Whether an answer is awaited.
    pub fn is_busy(&self) -> bool {
        self.asked.is_some()
    }

    /// Whether a pull is due for a client that has all changes up to `seq`.
    pub fn wants_pull(&self, seq: u64) -> bool {
        self.pull || (!self.live && self.told > seq)
    }

    /// Notes that there is more than the client has.
    pub fn behind(&mut self) {
        self.pull = true;
    }

    /// Notes the number of a change that an answer has named.
    pub fn told(&mut self, seq: u64) {
        self.told = self.told.max(seq);
    }

    /// Notes that the server has nothing that the client does not have.
    pub fn level(&mut self) {
        self.told = 0;
    }

    /// Notes that the live connection was opened or closed.
    pub fn live(&mut self, open: bool) {
        self.live = open;
    }

    /// Begins a request and returns its number. What is noted from now on was perhaps not in its answer yet, so a pull that is due then
    /// stays due.
    pub fn ask(&mut self, asked: Asked) -> u64 {
        self.number += 1;
        self.asked = Some(asked);
        if asked == Asked::Pull {
            self.pull = false;
        }
        self.number
    }

    /// Ends the request with this number. `None` if it is not the one that is on its way: its answer was given up before.
    pub fn answered(&mut self, number: u64) -> Option<Asked> {
        if number == self.number {
            self.asked.take()
        } else {
            None
        }
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::new()
    }
}
