//! A cron function that notes each of its runs in a Redis list.
#![expect(unsafe_code, reason = "the macro that exports the function writes it")]
use anyhow::Result;
use spin_sdk::redis::{Connection, RedisParameter};
use spin_sdk::variables;

wit_bindgen::generate!({
    inline: "
        package fermyon:spin-cron@2.0.0;
        interface cron-types {
            record metadata { timestamp: u64 }
            variant error { other(string) }
        }
        world spin-cron {
            use cron-types.{metadata, error};
            export handle-cron-event: func(metadata: metadata) -> result<_, error>;
        }
    ",
});

struct Ticker;

impl Guest for Ticker {
    fn handle_cron_event(metadata: Metadata) -> Result<(), Error> {
        note(metadata.timestamp).map_err(|error| Error::Other(error.to_string()))
    }
}

fn note(timestamp: u64) -> Result<()> {
    let redis = Connection::open(&variables::get("redis_url")?)?;
    let list = RedisParameter::Binary(b"ticks".into());
    redis.execute(
        "rpush",
        &[list, RedisParameter::Int64(timestamp.try_into()?)],
    )?;
    Ok(())
}

export!(Ticker);
