//! Why the gateway ends a connection: one table of codes, for WebSockets and for server-sent events.

use rand::Rng;
use serde_json::json;

/// A close code (RFC 6455, section 7.4) with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    pub code: u16,
    /// The member `reason`, for programs.
    pub reason: &'static str,
    /// Bounds of the time after which the client should come back, in milliseconds. Each client is told another time in between, so that
    /// they do not all come at once.
    come_back: Option<(u32, u32)>,
}

/// Declares the codes, and a list of them all.
macro_rules! table {
    ($($(#[$doc:meta])* $name:ident = $code:literal $reason:literal $come_back:expr;)+) => {
        impl Closing {
            $($(#[$doc])* pub const $name: Self = Self { code: $code, reason: $reason, come_back: $come_back };)+
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

table! {
    /// The client broke RFC 6455.
    PROTOCOL = 1002 "protocol_error" None;
    /// A message is not text.
    BINARY = 1003 "binary_message" None;
    /// A text is not UTF-8.
    NOT_UTF8 = 1007 "not_utf8" None;
    /// The client sends too many frames.
    FLOOD = 1008 "too_many_frames" None;
    /// A message or a frame has more than 64 KiB.
    TOO_LARGE = 1009 "too_large" None;
    /// The gateway stops. The client comes back after the time in `after_ms`, with a new ticket and its number.
    STOPPING = 1012 "stopping" Some((500, 5_000));
    /// The gateway cannot check tickets now. The client comes back after the time in `after_ms`, with a new ticket.
    UNAVAILABLE = 1013 "try_again_later" Some((1_000, 5_000));
    /// The first message is not what it must be, or a second message came: a client has nothing to say after the first.
    BAD_MESSAGE = 4400 "bad_message" None;
    /// The ticket is unknown: it does not exist, or it has been used.
    TICKET_UNKNOWN = 4401 "ticket_unknown" None;
    /// The ticket or its access token has expired. The client gets a new one.
    TICKET_LATE = 4402 "ticket_expired" None;
    /// The ticket belongs to another origin.
    TICKET_ELSEWHERE = 4403 "wrong_origin" None;
    /// No first message came within 10 s.
    NO_MESSAGE = 4408 "no_first_message" None;
    /// The client answered no ping. It resumes with its number.
    NO_ANSWER = 4409 "no_pong" None;
    /// The role or the password changed, or the account was closed. The client signs in again.
    CHANGED = 4410 "account_changed" None;
    /// The access token has ended. The client refreshes it, gets a new ticket, and resumes with its number.
    TOKEN_ENDED = 4411 "token_ended" None;
    /// The client reads too slowly. It resumes with its number.
    SLOW = 4412 "too_slow" Some((0, 1_000));
    /// The user has 20 connections at this gateway.
    TOO_MANY = 4429 "too_many_connections" None;
}

impl Closing {
    /// When the client should come back, if it is told so.
    fn after_ms(self) -> Option<u32> {
        let (least, most) = self.come_back?;
        Some(rand::rng().random_range(least..=most))
    }

    /// The reason in a close frame, as JSON: at most 123 bytes.
    pub fn text(self) -> String {
        match self.after_ms() {
            Some(after) => json!({"reason": self.reason, "after_ms": after}),
            None => json!({"reason": self.reason}),
        }
        .to_string()
    }

    /// The last event of a stream of server-sent events.
    pub fn event(self) -> String {
        let data = match self.after_ms() {
            Some(after) => json!({"code": self.code, "reason": self.reason, "after_ms": after}),
            None => json!({"code": self.code, "reason": self.reason}),
        };
        format!("event: close\ndata: {data}\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_own_code_and_a_short_reason() {
        for (place, closing) in Closing::ALL.iter().enumerate() {
            let rest = &Closing::ALL[place + 1..];
            let same =
                |other: &&Closing| other.code == closing.code || other.reason == closing.reason;
            assert_eq!(rest.iter().find(same), None);
            assert!(closing.text().len() <= 123, "{closing:?}");
            let row = format!("| {} | `{}` |", closing.code, closing.reason);
            let documented = include_str!("../../../docs/live.md").contains(&row);
            assert!(documented, "docs/live.md has no row {row}");
            assert!(closing.event().ends_with("\n\n"));
        }
    }

    #[test]
    fn clients_are_told_different_times_to_come_back() {
        let times: std::collections::HashSet<_> =
            (0..100).map(|_| Closing::STOPPING.text()).collect();
        assert!(times.len() > 50, "{times:?}");
    }
}
