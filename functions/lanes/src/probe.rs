//! Sends a probe on each lane of this process, and collects the answers.

use std::time::{Duration, Instant};

use domain::frame::{Ack, Frame, Kind};
use guest::variables;
use spin_sdk::redis::{Connection, RedisParameter, RedisResult};
use uuid::Uuid;

use crate::verdict::{State, Verdict};

/// How long a lane may take. A frame before the probe may take as long as the agents' statement timeout, which is 10 s.
const LIMIT: Duration = Duration::from_secs(12);
/// How many Redis triggers each agent has in spin.toml.
const LANES: u8 = 2;

/// Probes all lanes at once.
#[must_use]
pub fn probe() -> Verdict {
    let mut verdict = Verdict::default();
    if let Err(error) = probe_all(&mut verdict) {
        verdict.error = Some(error);
    }
    verdict
}

fn probe_all(verdict: &mut Verdict) -> Result<(), String> {
    let prefix = variables::get("redis_prefix").map_err(|error| error.to_string())?;
    let instance = variables::get("instance").map_err(|error| error.to_string())?;
    let agents = variables::get("agents").map_err(|error| error.to_string())?;
    let url = variables::get("redis_url").map_err(|error| error.to_string())?;
    let redis =
        Connection::open(&url).map_err(|error| format!("Redis cannot be reached: {error}"))?;
    let until = Instant::now() + LIMIT;
    let id = Uuid::new_v4();
    let mut list = String::new();
    for lane in lanes(&prefix, &agents, &instance) {
        if list.is_empty() {
            list = format!("{lane}.probe.{id}");
        }
        let heard = publish(&redis, &lane, &list, id)?;
        let state = if heard {
            State::Silent
        } else {
            State::Unsubscribed
        };
        verdict.lanes.insert(lane, state);
    }
    while verdict.lanes.values().any(|state| *state == State::Silent) {
        let Some(lane) = answer(&redis, &list, until)? else {
            break;
        };
        verdict.lanes.insert(lane, State::Answers);
    }
    Ok(())
}

/// The channels of the Redis triggers in spin.toml, for these agents.
fn lanes<'a>(
    prefix: &'a str,
    agents: &'a str,
    instance: &'a str,
) -> impl Iterator<Item = String> + 'a {
    let agents = agents.split(',').map(str::trim);
    agents.flat_map(move |agent| {
        (0..LANES).map(move |lane| format!("{prefix}.{agent}.{instance}.{lane}"))
    })
}

/// Sends a probe. False if the lane has no subscriber.
fn publish(redis: &Connection, lane: &str, list: &str, id: Uuid) -> Result<bool, String> {
    let probe = Frame {
        frame: id,
        epoch: 0,
        lane: lane.to_owned(),
        reply_to: list.to_owned(),
        attempt: 1,
        kind: Kind::Probe,
        events: Vec::new(),
    };
    let message = serde_json::to_vec(&probe).map_err(|error| error.to_string())?;
    let receivers = command(
        redis,
        "publish",
        &[text(lane), RedisParameter::Binary(message)],
    )?;
    Ok(!matches!(receivers.as_slice(), [RedisResult::Int64(0)]))
}

/// Waits for the next answer; the lane that it is from, or none if the time is over.
fn answer(redis: &Connection, list: &str, until: Instant) -> Result<Option<String>, String> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Ok(None);
    }
    // To Redis, 0 would be for ever.
    let seconds = left.as_secs_f64().max(0.01);
    let popped = command(redis, "blpop", &[text(list), text(&seconds.to_string())])?;
    let Some(RedisResult::Binary(message)) = popped.get(1) else {
        return Ok(None);
    };
    let ack: Ack = serde_json::from_slice(message)
        .map_err(|error| format!("an answer is not an ack: {error}"))?;
    Ok(Some(ack.lane))
}

fn text(text: &str) -> RedisParameter {
    RedisParameter::Binary(text.into())
}

fn command(
    redis: &Connection,
    name: &str,
    arguments: &[RedisParameter],
) -> Result<Vec<RedisResult>, String> {
    redis
        .execute(name, arguments)
        .map_err(|error| format!("Redis: {error}"))
}

#[cfg(test)]
mod tests {
    use super::lanes;

    #[test]
    fn each_agent_has_its_lanes() {
        let lanes: Vec<String> = lanes("spindle", "audit, sync", "local").collect();
        assert_eq!(
            lanes,
            [
                "spindle.audit.local.0",
                "spindle.audit.local.1",
                "spindle.sync.local.0",
                "spindle.sync.local.1"
            ]
        );
    }
}
