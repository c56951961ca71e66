//! How a device talks to the API and to the gateway.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::calls::{self, Reply, operations};
use super::device::{Asked, Device, Joined, cursor};
use crate::client::number;
use crate::live::{Heard, Socket};

/// The codes with which a gateway closes a connection of a client that has done nothing wrong. Tickets get late in an outage.
const CLOSES: [u16; 6] = [1012, 1013, 4402, 4408, 4409, 4412];

impl Device {
    /// Sends a request.
    pub(super) fn ask(&mut self, number: u64, call: Value) {
        let known = match (&self.entity_tag, cursor(&call)) {
            (Some((of, tag)), Some(cursor)) if *of == cursor => Some(tag.clone()),
            _ => None,
        };
        let limit = 2 + self.random.below(60);
        let send = || calls::send(self.user.clone(), call.clone(), limit, known.clone());
        if std::mem::take(&mut self.sends_twice) {
            self.counts.sent_twice += 1;
            let (again, batch) = (send(), operations(&call).cloned());
            self.others.spawn(async move {
                let reply = again.await?;
                Ok(batch.zip(reply.answer.get("results").cloned()))
            });
        }
        self.reply = Some(tokio::spawn(send()));
        self.asked = Some(Asked {
            number,
            call,
            told: self.told,
        });
    }

    /// Gives up the request that is under way.
    pub(super) fn give_up(&mut self) {
        if let Some(reply) = self.reply.take() {
            reply.abort();
        }
        if let Some(asked) = self.asked.take() {
            self.counts.given_up += 1;
            self.person.answer(asked.number, &json!("failed"));
        }
    }

    /// The reply to the request that is under way.
    pub(super) fn replied(&mut self, mut reply: Reply) -> Result<()> {
        let Some(Asked { number, call, told }) = self.asked.take() else {
            return Ok(());
        };
        if let Some(batch) = operations(&call) {
            if !reply.is_failed() {
                let results = &reply.answer["results"];
                self.acknowledged.note(self.person.number, batch, results)?;
            }
        } else if std::mem::take(&mut self.expires) {
            reply.answer = json!("resync");
        }
        if !reply.is_failed() && std::mem::take(&mut self.loses_answer) {
            self.counts.answers_lost += 1;
            reply = Reply::failed();
        }
        if reply.is_failed() {
            self.ask_at = Instant::now() + self.pause();
        }
        self.person.answer(number, &reply.answer);
        // The tag of a page counts only for a device that has got the page.
        if let (Some(tag), Some(of), true) = (reply.tag, cursor(&call), reply.answer.is_object()) {
            self.entity_tag = Some((of, tag));
        }
        let page = &reply.answer["page"];
        let is_complete = reply.answer == "unchanged" || page["more"] == false;
        if is_complete {
            let reached = page["seq"].as_u64();
            let reached = reached.unwrap_or(self.person.engine.store().seq);
            ensure!(
                reached >= told,
                "a pull got to number {reached}, although a message had told of {told}"
            );
            if reached >= self.told {
                self.owes_pull = false;
            }
        }
        Ok(())
    }

    /// Opens a live connection.
    pub(super) fn join(&mut self) {
        let (user, gateway) = (self.user.clone(), self.gateway);
        let seq = self.person.engine.store().seq;
        self.joining = Some(tokio::spawn(async move {
            let seq = i64::try_from(seq)?;
            let (socket, hello) = Socket::join(gateway, &user, Some(seq)).await?;
            ensure!(
                number(&hello, "seq")? >= seq,
                "{hello} for a client at {seq}"
            );
            Ok(Box::new((socket, hello)))
        }));
    }

    /// A live connection is open, or the attempt has failed.
    pub(super) fn joined(&mut self, joined: Result<Joined>) -> Result<()> {
        let Ok(joined) = joined else {
            self.join_at = Instant::now() + self.pause();
            return Ok(());
        };
        let (socket, hello) = *joined;
        self.counts.connections += 1;
        self.socket = Some(socket);
        self.heard = hello["seq"].as_u64().unwrap_or_default();
        self.told = self.told.max(self.heard);
        self.person.hear(hello);
        Ok(())
    }

    /// Ends the live connection.
    pub(super) fn unplug(&mut self) {
        if let Some(joining) = self.joining.take() {
            joining.abort();
        }
        if self.socket.take().is_some() {
            self.person.engine.unplugged();
        }
        self.join_at = Instant::now() + self.pause();
    }

    /// A live message comes, or the connection ends.
    pub(super) fn heard(&mut self, heard: Result<Heard>) -> Result<()> {
        let message = match heard {
            Ok(Heard::Message(message)) => message,
            Ok(Heard::Closed(code, reason)) => {
                ensure!(CLOSES.contains(&code), "closed with {code}: {reason}");
                self.unplug();
                return Ok(());
            }
            Err(_) => {
                self.unplug();
                return Ok(());
            }
        };
        self.counts.messages += 1;
        let seq = u64::try_from(number(&message, "seq")?)?;
        let has = self.person.engine.store().seq;
        if message["type"] == "resync" {
            self.heard = self.heard.max(seq);
            self.owes_pull |= seq > has;
        } else {
            // A pull may have been ahead of the messages. They still ascend.
            ensure!(
                seq > self.heard,
                "{message} came after number {}",
                self.heard
            );
            self.heard = seq;
            if seq > has + 1 {
                self.counts.gaps += 1;
                self.owes_pull = true;
            }
        }
        self.told = self.told.max(seq);
        self.person.hear(message);
        Ok(())
    }

    /// The pause before another attempt.
    fn pause(&mut self) -> Duration {
        Duration::from_millis(20 + self.random.below(300))
    }
}
