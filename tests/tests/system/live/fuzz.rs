//! Random frames of clients, from a seed: the gateway answers each as RFC 6455 and docs/live.md say, and other connections go on.

mod oracle;

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use devices::random::Random;
use futures::future::try_join_all;
use serde_json::{Value, json};
use tests::client::{User, text};
use tests::fixture::Fixture;
use tests::live::Socket;
use tests::seed::of_test;
use tokio::io::AsyncWriteExt;

use self::oracle::{Conversation, Expected};
use super::frames::{CLOSE, CONTINUATION, FIN, Frame, LIMIT, MOST, PING, PONG, Raw, TEXT, first};
use super::sent::Sent;

/// Names a seed, to send the frames of an earlier run again.
const SEED: &str = "FRAMES_SEED";
/// How many connections a run opens, and how many at once. A user may have 20.
const CONNECTIONS: u64 = 480;
const AT_ONCE: u64 = 12;
/// The most frames of a connection. A gateway takes up to 100 within 20 s.
const FRAMES: u64 = 24;

/// Sends random frames, many at once, while another user listens.
pub async fn random_frames(fixture: &mut Fixture) -> Result<()> {
    let seed = of_test(SEED)?;
    let gateway = fixture.system.live_address(0)?;
    let (ada, bob) = (
        fixture.api.new_user("UTC").await?,
        fixture.api.new_user("UTC").await?,
    );
    let (mut witness, _) = Socket::join(gateway, &bob, Some(0)).await?;
    let (started, mut frames) = (Instant::now(), 0);
    for round in 0..CONNECTIONS / AT_ONCE {
        let conversations = (0..AT_ONCE).map(async |number| {
            let random = Random::new(seed + round * AT_ONCE + number);
            let mut raw = Raw::open(gateway).await?;
            converse(&mut raw, &ada, random)
                .await
                .with_context(|| format!("{SEED}={seed}, connection {number} of round {round}"))
        });
        frames += try_join_all(conversations)
            .await?
            .into_iter()
            .sum::<usize>();
        if round % 8 == 0 {
            bob.create(json!({"title": "Heard"})).await?;
            let heard = witness.message().await?;
            ensure!(heard["task"]["title"] == "Heard", "unexpected: {heard}");
        }
    }
    println!(
        "{frames} frames in {:.1} s",
        started.elapsed().as_secs_f32()
    );
    Ok(())
}

/// One connection. Returns the number of frames.
async fn converse(raw: &mut Raw, user: &User, mut random: Random) -> Result<usize> {
    let message = first(user).await?;
    if random.below(10) == 0 {
        return noise(raw, random, message.as_bytes()).await;
    }
    let ticket = text(&serde_json::from_str(&message)?, "ticket")?;
    let mut conversation = Conversation::new(&message, &ticket);
    let mut frames = Vec::new();
    while conversation.goes_on() && frames.len() < FRAMES as usize {
        let sent = next(&mut random, &conversation, &message);
        conversation.hear(&sent);
        frames.push(sent);
    }
    // Sent at once, or in drops that end anywhere.
    let bytes: Vec<u8> = frames.iter().flat_map(Sent::bytes).collect();
    let drop = match random.below(3) {
        0 => bytes.len().max(1),
        1 => 7,
        _ => 1 + usize::try_from(random.below(4_000))?,
    };
    for drop in bytes.chunks(drop) {
        // The gateway may close the connection before it has taken all of it.
        if raw.0.write_all(drop).await.is_err() {
            break;
        }
    }
    let count = frames.len();
    let what = || format!("after {frames:?}");
    check(raw, conversation).await.with_context(what)?;
    Ok(count)
}

/// A frame that fits into the conversation, or nearly so.
fn next(random: &mut Random, conversation: &Conversation, message: &str) -> Sent {
    let bytes = |random: &mut Random, most: u64| -> Vec<u8> {
        let count = random.below(most);
        (0..count)
            .map(|_| u8::try_from(random.below(256)).unwrap_or_default())
            .collect()
    };
    let letters = |random: &mut Random, count: u64| -> String {
        "ü🥛x".repeat(1 + random.below(count) as usize)
    };
    let (head, payload) = match random.below(60) {
        0..40 => (FIN | PING, bytes(random, 126)),
        40..48 => (FIN | PONG, bytes(random, 126)),
        48 => {
            let text = letters(random, 4);
            (FIN | TEXT, text.into_bytes())
        }
        49 => (FIN | TEXT, bytes(random, 40)),
        50 => (FIN | TEXT, mutated(random, message.as_bytes())),
        51 if conversation.is_in_message() => (FIN | CONTINUATION, letters(random, 3).into_bytes()),
        51 => (TEXT, letters(random, 3).into_bytes()),
        52 if conversation.is_in_message() => (CONTINUATION, letters(random, 3).into_bytes()),
        52 => (FIN | TEXT, message.as_bytes().to_vec()),
        53 => (FIN | CLOSE, close(random)),
        54 => {
            let length = MOST - 20 + random.below(60) as usize;
            (FIN | TEXT, vec![b'x'; length])
        }
        _ => {
            let head = u8::try_from(random.below(256)).unwrap_or_default();
            (head, bytes(random, 200))
        }
    };
    Sent {
        head,
        is_masked: random.below(100) != 0,
        mask: [0; 4].map(|_| u8::try_from(random.below(256)).unwrap_or_default()),
        payload,
    }
}

/// The payload of a close frame: none, a code of any kind, and a reason.
fn close(random: &mut Random) -> Vec<u8> {
    let codes = [
        1000, 1001, 1003, 3000, 4000, 4999, 0, 999, 1004, 1005, 1006, 1015, 2000, 5000, 65_535,
    ];
    let code: u16 = codes[random.below(codes.len() as u64) as usize];
    match random.below(6) {
        0 => Vec::new(),
        1 => vec![3],
        2 => [&code.to_be_bytes()[..], &[0xff]].concat(),
        3 => [&code.to_be_bytes()[..], "away 🥛".as_bytes()].concat(),
        _ => code.to_be_bytes().to_vec(),
    }
}

/// The text with some bytes changed, left out or repeated.
fn mutated(random: &mut Random, text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=random.below(3) {
        let place = random.below(text.len() as u64) as usize;
        match random.below(4) {
            0 => text[place] = u8::try_from(random.below(256)).unwrap_or_default(),
            1 => text[place] ^= 1 << random.below(8),
            2 => drop(text.remove(place)),
            _ => text.insert(place, text[place]),
        }
        if text.is_empty() {
            break;
        }
    }
    text
}

/// The answers are those that the conversation leads to.
async fn check(raw: &mut Raw, conversation: Conversation) -> Result<()> {
    let mut pings = conversation.pings.iter();
    let mut expected = conversation.expected;
    let is_open = expected == Expected::MoreFrames || expected == Expected::Either;
    if is_open {
        // A ping shows that all before it was heard.
        let last = Sent::masked(FIN | PING, b"the last ping");
        raw.0.write_all(&last.bytes()).await?;
    }
    loop {
        let (head, payload) = raw.read().await?;
        if head == FIN | CLOSE {
            let code = payload
                .first_chunk()
                .map_or(1005, |code| u16::from_be_bytes(*code));
            return match expected {
                Expected::Close(codes) if codes.contains(&code) => Ok(()),
                Expected::Either if code == 4400 || code == 4401 => Ok(()),
                expected => bail!("closed with {code}, expected {expected:?}"),
            };
        }
        if (head, payload.as_slice()) == (FIN | PONG, b"the last ping") && is_open {
            raw.0
                .write_all(&Sent::masked(FIN | CLOSE, &1000_u16.to_be_bytes()).bytes())
                .await?;
            expected = Expected::Close([1000].into());
            continue;
        }
        answer(&(head, payload), &mut pings)?;
    }
}

/// A pong is that of the next ping, or of a later one: a gateway need not answer those before. A text is a message of the protocol.
fn answer<'a>(
    (head, payload): &Frame,
    pings: &mut impl Iterator<Item = &'a Vec<u8>>,
) -> Result<()> {
    if *head == FIN | PONG {
        ensure!(
            pings.any(|ping| ping == payload),
            "a pong that no ping asked for: {payload:?}"
        );
        return Ok(());
    }
    let message: Value = serde_json::from_slice(payload)?;
    ensure!(
        *head == FIN | TEXT && (message["type"] == "hello" || message["type"] == "resync"),
        "unexpected: {head:#x} {message}"
    );
    Ok(())
}

/// Random bytes, or a message that was changed as a whole, frame and all. The connection ends, with a code that is documented.
async fn noise(raw: &mut Raw, mut random: Random, message: &[u8]) -> Result<usize> {
    let sent = Sent::masked(FIN | TEXT, message);
    let bytes = match random.below(2) {
        0 => mutated(&mut random, &sent.bytes()),
        _ => (0..1 + random.below(400))
            .map(|_| u8::try_from(random.below(256)).unwrap_or_default())
            .collect(),
    };
    let _ = raw.0.write_all(&bytes).await;
    // What is not complete stays so.
    let _ = raw.0.shutdown().await;
    let ended = async {
        while let Ok((head, payload)) = raw.read().await {
            if head == FIN | CLOSE {
                let code = payload
                    .first_chunk()
                    .map_or(1005, |code| u16::from_be_bytes(*code));
                let documented = [1000, 1001, 1002, 1003, 1005, 1007, 1009, 4400, 4401];
                ensure!(
                    documented.contains(&code) || (3000..5000).contains(&code),
                    "closed with {code} after {bytes:?}"
                );
                break;
            }
        }
        Ok(1)
    };
    tokio::time::timeout(LIMIT, ended)
        .await
        .with_context(|| format!("the connection goes on after {bytes:?}"))?
}
