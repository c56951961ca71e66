//! Sends the messages that are due, many at once, and records what became of them.
//!
//! Each channel has its own places for messages in flight. So a provider that does not answer fills its own places alone, and the other
//! channel goes on.

use std::time::{Duration, Instant};

use chrono::Utc;
use domain::delivery::{self, Answer, Service, Verdict};
use domain::reminder::Channel;
use guest::http::{self, Exchange, HttpError, Response};
use guest::postgres::{Db, DbError, ParameterValue, text};
use guest::variables::BadSetting;
use serde::Serialize;
use uuid::Uuid;

use crate::channels::{Outside, Part};
use crate::message::Message;

/// The most messages of one channel in flight.
const PLACES: usize = 32;

/// How long a provider may take for one request.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of one delivery, for `record_deliveries`.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Recorded {
    id: Uuid,
    outcome: &'static str,
    after_ms: Option<i64>,
    error: Option<String>,
    gone: Vec<Uuid>,
}

/// What a call of [`deliver`] has done.
pub struct Delivered {
    /// How many deliveries have a result.
    pub settled: usize,
    /// Whether nothing was left when the time was over.
    pub is_all: bool,
}

/// Sends what is due through all channels, and claims nothing after `until`.
///
/// # Errors
/// The database cannot be used. What was claimed and not recorded is claimed again after some minutes.
pub fn deliver(until: Instant) -> Result<Delivered, DbError> {
    let mut queues = [
        Queue::new(Channel::Email, Outside::email),
        Queue::new(Channel::Push, Outside::push),
    ];
    let mut settled = 0;
    loop {
        for queue in &mut queues {
            queue.fill(until)?;
        }
        let results: Vec<Recorded> = queues.iter_mut().flat_map(Queue::advance).collect();
        if !results.is_empty() {
            record(&results)?;
            settled += results.len();
            continue;
        }
        let going: Vec<&Exchange> = queues.iter().flat_map(Queue::going).collect();
        if going.is_empty() {
            let is_all = queues.iter().all(|queue| queue.is_empty);
            return Ok(Delivered { settled, is_all });
        }
        http::wait(going);
    }
}

/// A channel, and its messages in flight.
struct Queue {
    channel: Channel,
    /// Reads the settings, which is left until there is a message.
    open: fn() -> Result<Option<Outside>, BadSetting>,
    /// Or the reason why nothing can be sent.
    outside: Option<Result<Outside, Unusable>>,
    flights: Vec<Flight>,
    is_empty: bool,
}

/// A channel that is not usable, and whether that may change without a new message.
enum Unusable {
    /// The operator has not set it up.
    Off,
    /// Its settings are wrong, which the operator may mend.
    Wrong(BadSetting),
}

struct Flight {
    message: Message,
    parts: Vec<Sending>,
}

struct Sending {
    subscription: Option<Uuid>,
    state: State,
}

enum State {
    Going(Exchange),
    Ended(Verdict, Option<String>),
}

impl Queue {
    fn new(channel: Channel, open: fn() -> Result<Option<Outside>, BadSetting>) -> Self {
        Self {
            channel,
            open,
            outside: None,
            flights: Vec::new(),
            is_empty: false,
        }
    }

    /// Claims messages when half of the places are free, and starts their requests.
    fn fill(&mut self, until: Instant) -> Result<(), DbError> {
        let free = PLACES.saturating_sub(self.flights.len());
        if self.is_empty || free < PLACES / 2 || Instant::now() >= until {
            return Ok(());
        }
        let most = i64::try_from(free).unwrap_or(i64::MAX);
        let parameters = [text(self.channel.as_str()), ParameterValue::Int64(most)];
        let claimed = Db::open()?
            .query_one(include_str!("claim.sql"), &parameters)?
            .text(0)?;
        let messages = Message::parse_all(&claimed)
            .map_err(|error| DbError::Shape(format!("claim_deliveries: {error}")))?;
        self.is_empty = messages.is_empty();
        for message in messages {
            let outside = self.outside.get_or_insert_with(|| match (self.open)() {
                Ok(Some(outside)) => Ok(outside),
                Ok(None) => Err(Unusable::Off),
                Err(error) => Err(Unusable::Wrong(error)),
            });
            let parts = match outside {
                Ok(outside) => outside
                    .parts(&message, Utc::now())
                    .into_iter()
                    .map(Sending::start)
                    .collect(),
                Err(unusable) => vec![Sending::not_sent(self.channel, unusable)],
            };
            self.flights.push(Flight { message, parts });
        }
        Ok(())
    }

    /// Lets all requests do what they can, and takes the messages out whose requests have all ended.
    fn advance(&mut self) -> Vec<Recorded> {
        let service = match self.channel {
            Channel::Push => Service::Push,
            Channel::Email | Channel::InApp => Service::Mail,
        };
        for part in self.flights.iter_mut().flat_map(|flight| &mut flight.parts) {
            part.advance(service);
        }
        let ended = self
            .flights
            .extract_if(.., |flight| flight.going().next().is_none());
        ended.flat_map(|flight| flight.results(jitter())).collect()
    }

    fn going(&self) -> impl Iterator<Item = &Exchange> {
        self.flights.iter().flat_map(Flight::going)
    }
}

impl Sending {
    fn start(part: Part) -> Self {
        let state = match part.request {
            Ok(request) => {
                let headers: Vec<(&str, &str)> = request
                    .headers
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                let deadline = Instant::now() + PATIENCE;
                match Exchange::start(&request.url, &headers, request.body, deadline) {
                    Ok(exchange) => State::Going(exchange),
                    Err(error) => {
                        State::Ended(Verdict::Retry { after: None }, Some(error.to_string()))
                    }
                }
            }
            Err(reason) => State::Ended(Verdict::Failed, Some(reason)),
        };
        Self {
            subscription: part.subscription,
            state,
        }
    }

    fn not_sent(channel: Channel, unusable: &Unusable) -> Self {
        let (verdict, error) = match unusable {
            Unusable::Off => (
                Verdict::Failed,
                format!("this server sends no {}", channel.as_str()),
            ),
            Unusable::Wrong(error) => (Verdict::Retry { after: None }, error.to_string()),
        };
        Self {
            subscription: None,
            state: State::Ended(verdict, Some(error)),
        }
    }

    fn advance(&mut self, service: Service) {
        if let State::Going(exchange) = &mut self.state
            && let Some(result) = exchange.advance()
        {
            self.state = ended(service, result);
        }
    }
}

/// What the end of a request means.
fn ended(service: Service, result: Result<Response, HttpError>) -> State {
    let (answer, error) = match &result {
        Ok(response) => {
            let error = (!(200..300).contains(&response.status))
                .then(|| format!("the provider answered {}", response.status));
            let answer = Answer::Status(response.status, response.retry_after.as_deref());
            (answer, error)
        }
        Err(error @ HttpError::Deadline) => (Answer::Timeout, Some(error.to_string())),
        Err(error) => (Answer::Broken, Some(error.to_string())),
    };
    State::Ended(Verdict::of(service, answer, Utc::now()), error)
}

impl Flight {
    fn going(&self) -> impl Iterator<Item = &Exchange> {
        self.parts.iter().filter_map(|part| match &part.state {
            State::Going(exchange) => Some(exchange),
            State::Ended(..) => None,
        })
    }

    /// The results of a message whose requests have all ended. It is sent if one of them was accepted: a user with two browsers has
    /// seen it. It is tried again if one of them may be accepted later. `jitter` is a random number from 0 to 1.
    fn results(self, jitter: f64) -> Vec<Recorded> {
        let (mut is_sent, mut retry, mut error) = (false, None, None);
        let mut gone = Vec::new();
        for part in self.parts {
            let State::Ended(verdict, reason) = part.state else {
                continue;
            };
            match verdict {
                Verdict::Sent => is_sent = true,
                Verdict::Retry { after } => retry = Some(retry.flatten().max(after)),
                Verdict::Gone => gone.extend(part.subscription),
                Verdict::Failed => {}
            }
            error = error.or(reason);
        }
        let pause = retry.and_then(|after| delivery::pause(self.message.attempts, jitter, after));
        let (outcome, after) = match (is_sent, pause) {
            (true, _) => ("sent", None),
            (false, Some(pause)) => ("retry", Some(pause.num_milliseconds())),
            (false, None) => ("failed", None),
        };
        self.message
            .deliveries
            .iter()
            .map(|delivery| Recorded {
                id: delivery.id,
                outcome,
                after_ms: after,
                error: error.clone(),
                gone: gone.clone(),
            })
            .collect()
    }
}

/// A random number from 0 to 1.
fn jitter() -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a random number needs no more digits"
    )]
    let random = wasi::random::random::get_random_u64() as f64;
    random / u64::MAX as f64
}

fn record(results: &[Recorded]) -> Result<(), DbError> {
    let results = serde_json::to_string(results)
        .map_err(|error| DbError::Shape(format!("record_deliveries: {error}")))?;
    Db::open()?
        .query_one(include_str!("record.sql"), &[text(results)])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const RETRY: Verdict = Verdict::Retry { after: None };

    fn results(attempts: u32, verdicts: &[Verdict]) -> Recorded {
        let message = format!(
            r#"[{{"user_id":"01890a5d-ac96-7741-b2d0-8a1b5e6f0001","email":"a@b.c","timezone":"UTC","attempts":{attempts},
                "subscriptions":[],"deliveries":[{{"id":"01890a5d-ac96-7741-b2d0-8a1b5e6f0003",
                "task_id":"01890a5d-ac96-7741-b2d0-8a1b5e6f0002","title":"Rent","due":null,
                "fire_at":"2026-03-01T07:30:00.000000Z","late":false}}]}}]"#
        );
        let part = |(number, verdict): (usize, &Verdict)| Sending {
            subscription: Some(Uuid::from_u128(number as u128)),
            state: State::Ended(*verdict, None),
        };
        let flight = Flight {
            message: Message::parse_all(&message).unwrap().remove(0),
            parts: verdicts.iter().enumerate().map(part).collect(),
        };
        flight.results(0.5).remove(0)
    }

    #[test]
    fn a_message_is_sent_if_one_request_was_accepted() {
        let recorded = results(1, &[Verdict::Failed, Verdict::Sent, RETRY, Verdict::Gone]);
        assert_eq!(recorded.outcome, "sent");
        assert_eq!(recorded.gone, [Uuid::from_u128(3)]);
    }

    #[test]
    fn a_message_is_tried_again_if_it_may_be_accepted_later() {
        let recorded = results(1, &[Verdict::Gone, RETRY]);
        assert_eq!(
            (recorded.outcome, recorded.after_ms),
            ("retry", Some(5_000))
        );
        let asked = Verdict::Retry {
            after: Some(TimeDelta::seconds(40)),
        };
        let recorded = results(2, &[RETRY, asked, RETRY]);
        assert_eq!(
            (recorded.outcome, recorded.after_ms),
            ("retry", Some(40_000))
        );
    }

    #[test]
    fn a_message_fails_after_the_last_attempt_or_if_nobody_takes_it() {
        assert_eq!(results(6, &[RETRY]).outcome, "failed");
        assert_eq!(
            results(1, &[Verdict::Failed, Verdict::Gone]).outcome,
            "failed"
        );
    }
}
