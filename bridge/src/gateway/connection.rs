//! One connection from its ticket to its end, whatever it is made of.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval_at, sleep_until, timeout};

use super::Gateway;
use super::accounts::Origin;
use super::closing::Closing;
use super::hub::{Joined, Joining, Refused};
use super::outlet::{Inlet, Item, pair};

/// How long a message may take to be sent. The client reads nothing then.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// How long a client has to take notice of the end.
pub const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// How often a user's number is read again, if more may have come than the hub remembers.
const TRIES: usize = 5;

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client is gone. Nothing can be said any more.
    Gone,
    Closing(Closing),
}

/// What a connection is made of.
pub trait Wire: Send {
    /// Whether the client has to answer pings.
    const ANSWERS: bool;

    fn send(&mut self, item: Item) -> impl Future<Output = Result<(), End>> + Send;

    fn ping(&mut self) -> impl Future<Output = Result<(), End>> + Send;

    /// Waits for a sign of life. It loses nothing if it is not waited for to the end.
    fn heard(&mut self) -> impl Future<Output = Result<(), End>> + Send;

    fn close(self, closing: Closing) -> impl Future<Output = ()> + Send;
}

/// A connection whose client has joined.
#[derive(Debug)]
pub struct Open {
    pub joined: Joined,
    inlet: Inlet,
    /// When the access token ends.
    ends: Instant,
}

impl Gateway {
    /// Redeems a ticket and joins the hub. `seq` is the number up to which the client is complete.
    ///
    /// # Errors
    /// Why the client cannot be served.
    pub async fn open(
        &self,
        ticket: &str,
        seq: Option<i64>,
        origin: &Origin,
    ) -> Result<Open, Closing> {
        let mut redeemed = self.accounts.redeem(ticket, origin).await?;
        let ends = Instant::now() + redeemed.valid;
        for _ in 0..TRIES {
            let (outlet, inlet) = pair();
            let joining = Joining {
                user: redeemed.user,
                seq,
                last: redeemed.last,
                since: redeemed.since,
                stamp: redeemed.stamp,
            };
            match self.hub.join(joining, outlet) {
                Ok(joined) => {
                    return Ok(Open {
                        joined,
                        inlet,
                        ends,
                    });
                }
                Err(Refused::TooMany) => return Err(Closing::TOO_MANY),
                Err(Refused::Forgotten) => redeemed = self.accounts.again(redeemed).await?,
            }
        }
        Err(Closing::UNAVAILABLE)
    }

    /// Tells the client what it has to know until the connection ends.
    pub async fn serve(&self, mut wire: impl Wire, mut open: Open) {
        if let End::Closing(closing) = self.until_end(&mut wire, &mut open).await {
            // From here on it takes no place of its user's.
            drop(open);
            wire.close(closing).await;
        }
    }

    async fn until_end<W: Wire>(&self, wire: &mut W, open: &mut Open) -> End {
        for item in std::mem::take(&mut open.joined.first) {
            if let Err(end) = send(wire, &mut open.inlet, item).await {
                return end;
            }
        }
        // Each connection pings at its own time.
        let mut pings = interval_at(tokio::time::Instant::now() + self.ping, self.ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_alive = true;
        loop {
            let done = tokio::select! {
                item = open.inlet.next() => match item {
                    Ok(item) => send(wire, &mut open.inlet, item).await,
                    Err(closing) => return End::Closing(closing),
                },
                heard = wire.heard() => {
                    is_alive = true;
                    heard
                }
                _ = pings.tick() => {
                    if !std::mem::replace(&mut is_alive, !W::ANSWERS) {
                        return End::Closing(Closing::NO_ANSWER);
                    }
                    timeout(SEND_LIMIT, wire.ping()).await.unwrap_or(Err(End::Closing(Closing::SLOW)))
                }
                () = sleep_until(open.ends.into()) => return End::Closing(Closing::TOKEN_ENDED),
                () = self.stop.cancelled() => return End::Closing(Closing::STOPPING),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }
}

/// Sends a message, unless the hub ends the connection meanwhile or the client does not read.
async fn send(wire: &mut impl Wire, inlet: &mut Inlet, item: Item) -> Result<(), End> {
    tokio::select! {
        sent = timeout(SEND_LIMIT, wire.send(item)) => sent.unwrap_or(Err(End::Closing(Closing::SLOW))),
        closing = inlet.closed() => Err(End::Closing(closing)),
    }
}
