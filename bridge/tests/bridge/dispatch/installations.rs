//! Several installations on one Redis.

use bridge::config::RedisSettings;
use bridge::doorbell::{Doorbell, Line, Message, Signal};
use bridge::health::Health;
use domain::frame::Kind;
use stage::scratch::Scratch;
use stage::services::Redis;
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::agent::{Agent, Frames, done};
use crate::support::{TIMEOUT, redis_settings};

/// Waits until the line has found a lane. Fails if it finds one of another installation.
async fn find(line: &mut Line, lane: &str) {
    let found = async {
        loop {
            match line.signals.recv().await.unwrap() {
                Signal::Lanes(lanes) if lanes.is_empty() => {}
                Signal::Lanes(lanes) => return lanes,
                _ => {}
            }
        }
    };
    assert_eq!(timeout(TIMEOUT, found).await.unwrap(), [lane]);
}

#[tokio::test]
async fn installations_with_prefixes_of_their_own_do_not_see_each_other() {
    let folder = Scratch::new("redis").unwrap();
    let redis = Redis::start(folder.path()).await.unwrap();
    // One begins with the other.
    let [first, second] = ["spindle", "spindle-2"].map(|prefix| {
        let settings = RedisSettings {
            redis_prefix: prefix.to_owned(),
            ..redis_settings(&redis)
        };
        Doorbell::open(&settings, Health::default()).unwrap()
    });
    let lanes = ["spindle.audit.local.0", "spindle-2.audit.local.0"];
    let (seen, url) = (Frames::default(), redis.url());
    let _agents = [
        Agent::start(&url, lanes[0], seen.clone(), done).await,
        Agent::start(&url, lanes[1], seen, done).await,
    ];
    let (mut first, mut second) = (first.line("audit"), second.line("audit"));
    find(&mut first, lanes[0]).await;
    find(&mut second, lanes[1]).await;

    let frame = Uuid::new_v4();
    let body = serde_json::json!({
        "frame": frame, "epoch": 1, "lane": lanes[0], "reply_to": first.reply_to(), "attempt": 1, "kind": Kind::Heartbeat,
    });
    first.publish(Message {
        frame,
        lane: lanes[0].to_owned(),
        body: body.to_string().into_bytes(),
    });
    let answered = async {
        loop {
            if let Signal::Answer(ack) = first.signals.recv().await.unwrap() {
                return ack.frame;
            }
        }
    };
    assert_eq!(timeout(TIMEOUT, answered).await.unwrap(), frame);
    while let Ok(signal) = second.signals.try_recv() {
        assert!(!matches!(signal, Signal::Answer(_)), "{signal:?}");
    }
}
