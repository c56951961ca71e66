//! Tests of the hub.

use std::time::Duration;

use serde_json::value::RawValue;

use super::check::{Account, PATIENCE};
use super::*;
use crate::gateway::outlet::{Inlet, MOST_MESSAGES, pair};

const ADA: Uuid = Uuid::from_u128(1);
const BOB: Uuid = Uuid::from_u128(2);

/// A hub whose subscription is active since `start`.
struct Bench {
    hub: Arc<Hub>,
    start: Instant,
}

impl Bench {
    fn new() -> Self {
        let start = Instant::now();
        let metrics = Metrics::new().unwrap();
        let hub = Arc::new(Hub::new(1 << 20, metrics, start));
        hub.subscribed(start);
        Self { hub, start }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    fn deliver(&self, user: Uuid, seq: i64) {
        let text = RawValue::from_string(format!(r#"{{"seq":{seq}}}"#)).unwrap();
        self.hub.deliver(Message { user, seq, text }, self.at(1));
    }

    fn try_join(&self, seq: Option<i64>, last: i64, since: u64) -> Result<Client, Refused> {
        let (outlet, inlet) = pair();
        let joining = Joining {
            user: ADA,
            seq,
            last,
            since: self.at(since),
            stamp: 7,
        };
        let mut joined = self.hub.join(joining, outlet)?;
        Ok(Client {
            told: std::mem::take(&mut joined.first).iter().map(text).collect(),
            joined,
            inlet,
        })
    }

    fn join(&self, seq: i64, last: i64) -> Client {
        self.try_join(Some(seq), last, 2).unwrap()
    }

    /// A check whose statement reads this number and this stamp.
    fn check(&self, last: i64, stamp: i64, seconds: u64) {
        let asked = self.hub.ask();
        let accounts = HashMap::from([(ADA, Account { stamp, last })]);
        self.hub.compare(&asked, &accounts, self.at(seconds));
    }
}

fn text(item: &Item) -> String {
    match item.change {
        Some(seq) => seq.to_string(),
        None => item.text.to_string(),
    }
}

struct Client {
    told: Vec<String>,
    joined: Joined,
    inlet: Inlet,
}

impl Client {
    /// What the client has been told since the last call: numbers of changes, and other messages as they are.
    fn told(&mut self) -> Vec<String> {
        let mut told = std::mem::take(&mut self.told);
        loop {
            match futures::FutureExt::now_or_never(self.inlet.next()) {
                Some(Ok(item)) => told.push(text(&item)),
                Some(Err(closing)) => {
                    told.push(closing.reason.to_owned());
                    return told;
                }
                None => return told,
            }
        }
    }
}

fn resync(seq: i64) -> String {
    format!(r#"{{"type":"resync","seq":{seq}}}"#)
}

#[test]
fn a_client_that_is_complete_is_told_what_comes() {
    let bench = Bench::new();
    let mut client = bench.join(4, 4);
    assert_eq!(client.joined.seq, 4);
    bench.deliver(BOB, 5);
    for seq in [5, 5, 3, 6] {
        bench.deliver(ADA, seq);
    }
    assert_eq!(client.told(), ["5", "6"]);
}

#[test]
fn a_client_resumes_from_the_ring() {
    let bench = Bench::new();
    for seq in 5..=8 {
        bench.deliver(ADA, seq);
    }
    let mut client = bench.join(5, 8);
    assert_eq!(client.joined.seq, 5);
    bench.deliver(ADA, 9);
    assert_eq!(client.told(), ["6", "7", "8", "9"]);
    // The ring may have more than what was committed when the ticket was redeemed.
    assert_eq!(bench.join(7, 7).told(), ["8", "9"]);
    assert_eq!(bench.join(9, 8).told(), Vec::<String>::new());
}

#[test]
fn a_client_that_the_ring_cannot_complete_has_to_pull() {
    let bench = Bench::new();
    // Nothing has come, and 3 is committed.
    let mut behind = bench.join(2, 3);
    assert_eq!(behind.joined.seq, 3);
    assert_eq!(behind.told(), [resync(3)]);
    // What was in flight is not told twice.
    bench.deliver(ADA, 3);
    bench.deliver(ADA, 4);
    assert_eq!(behind.told(), ["4"]);
    // The ring begins after the client's number.
    assert_eq!(bench.join(1, 4).told(), [resync(4)]);
    // No number, and one that the database does not have.
    assert_eq!(bench.try_join(None, 4, 2).unwrap().told(), [resync(4)]);
    assert_eq!(bench.join(9, 4).told(), [resync(4)]);
    // A ring that has less than what is committed may have been begun by a late repeat.
    assert_eq!(bench.join(3, 5).told(), [resync(5)]);
}

#[test]
fn a_gap_is_told() {
    let bench = Bench::new();
    let mut client = bench.join(4, 4);
    for seq in [5, 7, 8] {
        bench.deliver(ADA, seq);
    }
    assert_eq!(client.told(), ["5".to_owned(), resync(7), "8".to_owned()]);
}

#[test]
fn a_number_that_was_read_before_the_subscription_does_not_count() {
    let bench = Bench::new();
    assert_eq!(
        bench.try_join(Some(4), 4, 0).err(),
        Some(Refused::Forgotten)
    );
    bench.deliver(ADA, 6);
    // Now the ring tells that 5 was missed, or not.
    assert_eq!(bench.try_join(Some(4), 4, 0).unwrap().told(), [resync(6)]);
    assert_eq!(bench.try_join(Some(5), 4, 0).unwrap().told(), ["6"]);
}

#[test]
fn after_a_new_subscription_every_client_compares() {
    let bench = Bench::new();
    let mut client = bench.join(4, 4);
    // The number of this check may have been read before the subscription.
    let asked = bench.hub.ask();
    bench.hub.subscribed(bench.at(3));
    let account = Account { stamp: 7, last: 5 };
    let accounts = HashMap::from([(ADA, account)]);
    bench.hub.compare(&asked, &accounts, bench.at(4));
    assert_eq!(client.told(), Vec::<String>::new());
    bench.deliver(ADA, 7);
    assert_eq!(client.told(), [resync(7)]);
    bench.check(6, 7, 5);
    assert_eq!(client.told(), [resync(7)]);
    bench.check(7, 7, 6);
    assert_eq!(client.told(), Vec::<String>::new());
}

#[test]
fn a_change_that_does_not_come_is_told_after_a_while() {
    let bench = Bench::new();
    let mut client = bench.join(4, 4);
    let patience = PATIENCE.as_secs();
    bench.check(5, 7, 10);
    bench.check(5, 7, 9 + patience);
    assert_eq!(client.told(), Vec::<String>::new());
    bench.deliver(ADA, 5);
    bench.check(6, 7, 11 + patience);
    assert_eq!(client.told(), ["5"]);
    bench.check(7, 7, 11 + 2 * patience);
    assert_eq!(client.told(), [resync(7)]);
    bench.check(7, 7, 11 + 4 * patience);
    bench.deliver(ADA, 7);
    bench.deliver(ADA, 8);
    assert_eq!(client.told(), ["8"]);
}

#[test]
fn numbers_that_go_back_are_those_of_a_restored_database() {
    let bench = Bench::new();
    bench.deliver(ADA, 9);
    let mut client = bench.join(9, 9);
    bench.check(6, 7, 3);
    assert_eq!(client.told(), [resync(6)]);
    bench.deliver(ADA, 7);
    assert_eq!(client.told(), ["7"]);
    assert_eq!(bench.join(9, 7).told(), [resync(7)]);
}

#[test]
fn a_changed_account_ends_its_connections() {
    let bench = Bench::new();
    let mut client = bench.join(4, 4);
    let asked = bench.hub.ask();
    let mut newer = bench.join(4, 4);
    bench.hub.compare(&asked, &HashMap::new(), bench.at(3));
    assert_eq!(client.told(), ["account_changed"]);
    assert_eq!(newer.told(), Vec::<String>::new());
    bench.check(4, 8, 4);
    assert_eq!(newer.told(), ["account_changed"]);
}

#[test]
fn a_slow_client_is_given_up_and_others_are_not() {
    let bench = Bench::new();
    let (mut slow, mut quick) = (bench.join(0, 0), bench.join(0, 0));
    let most = i64::try_from(MOST_MESSAGES).unwrap();
    for seq in 1..=most + 5 {
        bench.deliver(ADA, seq);
        assert_eq!(quick.told(), [seq.to_string()]);
    }
    assert_eq!(slow.told(), ["too_slow"]);
    assert_eq!(bench.hub.metrics.live.slow.get(), 1);
}

#[test]
fn a_user_has_so_many_connections() {
    let bench = Bench::new();
    let mut clients: Vec<Client> = (0..MOST_CONNECTIONS).map(|_| bench.join(4, 4)).collect();
    assert_eq!(bench.try_join(Some(4), 4, 2).err(), Some(Refused::TooMany));
    clients.pop();
    clients.push(bench.join(4, 4));
    bench.deliver(ADA, 5);
    let texts: Vec<_> = clients
        .iter_mut()
        .map(|client| client.inlet.next())
        .map(|next| {
            futures::FutureExt::now_or_never(next)
                .unwrap()
                .unwrap()
                .text
        })
        .collect();
    // All of them have the same bytes.
    let [first, rest @ ..] = texts.as_slice() else {
        panic!("no texts");
    };
    assert!(
        rest.iter()
            .all(|text| text.as_str().as_ptr() == first.as_str().as_ptr())
    );
}
