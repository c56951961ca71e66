//! What RFC 6455 and docs/live.md say about a client's frames.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::frames::{BINARY, CLOSE, CONTINUATION, FIN, MOST, PING, PONG, TEXT};
use super::super::sent::Sent;

/// How a conversation goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Expected {
    #[default]
    MoreFrames,
    /// The gateway closes the connection with one of these codes. A frame can be wrong in several ways.
    Close(BTreeSet<u16>),
    /// It is let in, or is refused: what it says was changed, but perhaps not what counts.
    Either,
}

/// What a client has sent on a connection, and what has to come of it.
#[derive(Debug)]
pub struct Conversation {
    /// The first message that opens a connection, and its ticket.
    first: String,
    ticket: String,
    /// Opcode and payload of the message whose end has not come.
    message: Option<(u8, Vec<u8>)>,
    has_joined: bool,
    pub pings: Vec<Vec<u8>>,
    pub expected: Expected,
}

impl Conversation {
    pub fn new(first: &str, ticket: &str) -> Self {
        Self {
            first: first.to_owned(),
            ticket: ticket.to_owned(),
            message: None,
            has_joined: false,
            pings: Vec::new(),
            expected: Expected::MoreFrames,
        }
    }

    pub fn goes_on(&self) -> bool {
        self.expected == Expected::MoreFrames
    }

    pub fn is_in_message(&self) -> bool {
        self.message.is_some()
    }

    /// The client sends a frame.
    pub fn hear(&mut self, sent: &Sent) {
        let mut codes = BTreeSet::new();
        let (is_last, opcode) = (sent.head & FIN != 0, sent.head & 0x0f);
        if sent.head & 0x70 != 0 || !sent.is_masked || !is_known(opcode) {
            codes.insert(1002);
        }
        if opcode >= CLOSE && (!is_last || sent.payload.len() > 125) {
            codes.insert(1002);
        }
        let continues = opcode == CONTINUATION;
        if opcode < CLOSE && continues != self.message.is_some() {
            codes.insert(1002);
        }
        if codes.is_empty() {
            codes = match opcode {
                CLOSE => closed(&sent.payload),
                PING => {
                    self.pings.push(sent.payload.clone());
                    codes
                }
                PONG => codes,
                _ => self.data(is_last, opcode, &sent.payload),
            };
        } else if sent.payload.len() > MOST {
            codes.insert(1009);
        }
        if !codes.is_empty() {
            self.expected = Expected::Close(codes);
        }
    }

    /// A frame of a message that is right by itself.
    fn data(&mut self, is_last: bool, opcode: u8, payload: &[u8]) -> BTreeSet<u16> {
        let (opcode, mut message) = self.message.take().unwrap_or((opcode, Vec::new()));
        message.extend(payload);
        let mut codes = BTreeSet::new();
        if message.len() > MOST {
            codes.insert(1009);
        }
        let is_text = match std::str::from_utf8(&message) {
            Ok(_) => true,
            // A character may go on in the next frame.
            Err(error) => !is_last && error.error_len().is_none(),
        };
        if opcode == TEXT && !is_text {
            codes.insert(1007);
        }
        if opcode == BINARY && is_last {
            codes.insert(1003);
        }
        if codes.is_empty() && is_last {
            codes = self.said(&message);
        } else {
            self.message = Some((opcode, message));
        }
        codes
    }

    /// A message is complete. Only the first one of a client means something.
    fn said(&mut self, message: &[u8]) -> BTreeSet<u16> {
        if self.has_joined {
            return [4400].into();
        }
        if message == self.first.as_bytes() {
            self.has_joined = true;
            return BTreeSet::new();
        }
        let parsed: Option<Value> = serde_json::from_slice(message).ok();
        let ticket = parsed.as_ref().and_then(|parsed| parsed["ticket"].as_str());
        if ticket == Some(&self.ticket) {
            self.expected = Expected::Either;
            return BTreeSet::new();
        }
        [4400, 4401].into()
    }
}

fn is_known(opcode: u8) -> bool {
    [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG].contains(&opcode)
}

/// A close frame comes back with its code, if it is one that may be sent.
fn closed(payload: &[u8]) -> BTreeSet<u16> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return [if payload.is_empty() { 1005 } else { 1002 }].into();
    };
    let code = u16::from_be_bytes(*code);
    let may_be_sent = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    match (may_be_sent, std::str::from_utf8(reason)) {
        (true, Ok(_)) => [code].into(),
        (false, Ok(_)) => [1002].into(),
        // Neither of both faults comes first.
        (_, Err(_)) => [1002, 1007].into(),
    }
}
