//! A Redis function that notes in a list when it begins and ends a message, and in between waits until the test lets it go on.
#![expect(unsafe_code, reason = "the macro that exports the function writes it")]
use std::str::from_utf8;

use anyhow::Result;
use spin_sdk::redis::{Connection, RedisParameter};
use spin_sdk::{redis_component, variables};

#[redis_component]
fn handle(message: Vec<u8>) -> Result<()> {
    let name = from_utf8(&message)?;
    let redis = Connection::open(&variables::get("redis_url")?)?;
    note(&redis, &format!("begin {name}"))?;
    match name {
        "trap" => unreachable!("as the test asked"),
        "fail" => anyhow::bail!("as the test asked"),
        _ => {}
    }
    let gate = RedisParameter::Binary(format!("gate {name}").into());
    redis.execute("blpop", &[gate, RedisParameter::Int64(0)])?;
    note(&redis, &format!("end {name}"))
}

fn note(redis: &Connection, text: &str) -> Result<()> {
    let list = RedisParameter::Binary(b"notes".into());
    redis.execute("rpush", &[list, RedisParameter::Binary(text.into())])?;
    Ok(())
}
