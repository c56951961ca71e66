//! The live connection: changes arrive while it is open, and whatever interrupts it, nothing is missed.

mod socket;

use std::pin::pin;
use std::time::Duration;

use client::live::{Kind, Message};
use tokio::time::{Instant, interval, sleep, timeout_at};

use self::socket::{Heard, Socket};
use crate::api::Api;
use crate::backoff::Backoff;
use crate::device::Device;
use crate::error::Error;
use crate::sync::exchange;

/// How often a watcher looks whether another process of this device has changed something.
const LOOK: Duration = Duration::from_millis(300);
/// The gateway pings every 20 s, or as often as its operator says. A connection that is silent for longer is dead.
const SILENCE: Duration = Duration::from_secs(70);
/// How long an exchange waits for the one of another process.
const PATIENCE: Duration = Duration::from_secs(30);
/// Messages that are taken in at once.
const AT_ONCE: usize = 200;

/// What a watcher is told.
pub enum Event<'a> {
    /// The connection is open, and all changes are here.
    Connected,
    /// Something has changed; [`Device::take_news`] says what.
    Changed(&'a mut Device),
    /// The connection is closed; the client comes back by itself.
    Interrupted { why: String, wait: Duration },
}

/// Follows the changes until `stop` is ready.
///
/// # Errors
/// What does not pass by itself: the session has ended, the server refuses, or the store fails.
pub async fn follow(
    device: &mut Device,
    api: &Api,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(Event<'_>),
) -> Result<(), Error> {
    let mut stop = pin!(stop);
    let mut backoff = Backoff::new();
    loop {
        let ended = tokio::select! {
            () = &mut stop => return Ok(()),
            ended = connection(device, api, &mut backoff, &mut tell) => ended,
        };
        device.unplugged();
        let (why, wait) = match ended {
            Ok(End {
                why,
                after: Some(after),
            }) => (why, after),
            Ok(End { why, after: None }) => (why, backoff.wait()),
            Err(Error::Busy { after }) => ("the server is busy".to_owned(), after),
            Err(error) if error.passes() => (error.to_string(), backoff.wait()),
            Err(error) => return Err(error),
        };
        tell(Event::Interrupted { why, wait });
        let back = Instant::now() + wait;
        // Edits of other processes are shown meanwhile.
        while Instant::now() < back {
            tokio::select! {
                () = &mut stop => return Ok(()),
                () = sleep(LOOK.min(back - Instant::now())) => {}
            }
            match device.refresh() {
                Err(error) if !error.passes() => return Err(error),
                _ => tell(Event::Changed(device)),
            }
        }
    }
}

/// How a connection has ended.
struct End {
    why: String,
    /// When the gateway wants the client back.
    after: Option<Duration>,
}

/// One connection from its beginning to its end.
async fn connection(
    device: &mut Device,
    api: &Api,
    backoff: &mut Backoff,
    tell: &mut impl FnMut(Event<'_>),
) -> Result<End, Error> {
    device.ask_for_pull();
    exchange(device, api, PATIENCE).await?;
    tell(Event::Changed(device));
    let mut socket = Socket::open(api, device.engine().store().seq).await?;
    let mut looks = interval(LOOK);
    let mut dead = Instant::now() + SILENCE;
    loop {
        let heard = tokio::select! {
            heard = timeout_at(dead, socket.next()) => Some(heard),
            _ = looks.tick() => None,
        };
        match heard {
            None => device.refresh()?,
            Some(Err(_)) => {
                let why = "the connection was silent".to_owned();
                return Ok(End { why, after: None });
            }
            Some(Ok(Heard::Closed { why, after, code })) => {
                if code == Some(4410) {
                    return Err(Error::SessionEnded);
                }
                return Ok(End { why, after });
            }
            Some(Ok(Heard::Alive)) => dead = Instant::now() + SILENCE,
            Some(Ok(Heard::Message(first))) => {
                dead = Instant::now() + SILENCE;
                let greets = first.kind == Kind::Hello;
                device.hear(all_that_came(*first, &mut socket))?;
                if greets {
                    *backoff = Backoff::new();
                    tell(Event::Connected);
                }
            }
        }
        exchange_if_due(device, api).await?;
        tell(Event::Changed(device));
    }
}

/// The message and those that have come since.
fn all_that_came(first: Message, socket: &mut Socket) -> Vec<Message> {
    let mut messages = vec![first];
    while messages.len() < AT_ONCE
        && let Some(message) = socket.ready()
    {
        messages.push(message);
    }
    messages
}

/// Another process may be sending already, for as long as it takes.
async fn exchange_if_due(device: &mut Device, api: &Api) -> Result<(), Error> {
    match device.is_due() {
        true => exchange(device, api, PATIENCE).await,
        false => Ok(()),
    }
}
