//! Each event arrives once and each user's events arrive in order, also when lanes come and go.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::fixture::{DispatchFixture, first_seen};
use crate::support::TIMEOUT;
use crate::support::agent::done;
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_once_in_order_and_each_user_keeps_its_lane() {
    let fixture = DispatchFixture::start().await;
    let _agents = (
        fixture.agent("0", done).await,
        fixture.agent("1", done).await,
    );
    fixture.lanes(2).await;
    let users: Vec<Uuid> = (0..40).map(|_| Uuid::new_v4()).collect();
    for round in 0..10 {
        for user in &users {
            fixture.emit(*user, round * 5, 5).await;
        }
    }
    fixture.deliver().await;
    let seen = fixture.seen();
    assert_eq!(
        seen.iter().map(|frame| frame.events.len()).sum::<usize>(),
        2_000,
        "each event once"
    );
    assert!(
        seen.iter()
            .all(|frame| frame.events.len() <= 64 && frame.attempt == 1)
    );
    let by_user = first_seen(&seen);
    assert!(
        users
            .iter()
            .all(|user| by_user[user] == (0..50).collect::<Vec<_>>())
    );
    let mut lanes: HashMap<Uuid, BTreeSet<&str>> = HashMap::new();
    for frame in &seen {
        for event in &frame.events {
            lanes.entry(event.userid).or_default().insert(&frame.lane);
        }
    }
    assert!(lanes.values().all(|lanes| lanes.len() == 1));
    assert_eq!(
        seen.iter()
            .map(|frame| &frame.lane)
            .collect::<BTreeSet<_>>()
            .len(),
        2,
        "both lanes are used"
    );
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_move_to_a_new_lane_and_their_events_stay_in_order() {
    let fixture = DispatchFixture::start().await;
    let _first = fixture.agent("0", done).await;
    let users: Vec<Uuid> = (0..20).map(|_| Uuid::new_v4()).collect();
    let mut second = None;
    let mut round = 0;
    eventually(TIMEOUT, "both lanes are used", async || {
        for user in &users {
            fixture.emit(*user, round, 1).await;
        }
        fixture.relay().await;
        round += 1;
        if round == 5 {
            second = Some(fixture.agent("1", done).await);
        }
        let lanes: BTreeSet<String> = fixture.seen().into_iter().map(|frame| frame.lane).collect();
        lanes.len() == 2
    })
    .await;
    drop(second);
    for user in &users {
        fixture.emit(*user, round, 1).await;
    }
    fixture.deliver().await;
    let by_user = first_seen(&fixture.seen());
    assert!(
        users
            .iter()
            .all(|user| by_user[user] == (0..=round).collect::<Vec<_>>())
    );
    assert!(fixture.dead_letter_ids().await.is_empty());
    fixture.stop().await;
}
