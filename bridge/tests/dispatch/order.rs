//! Each event arrives once, and those of one user in order, also when the lanes change.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use crate::road::{Road, first_seen};
use crate::support::SOON;
use crate::support::agent::done;
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_once_in_order_and_each_user_keeps_its_lane() {
    let road = Road::start().await;
    let _agents = (road.agent("0", done).await, road.agent("1", done).await);
    road.lanes(2).await;
    let users: Vec<Uuid> = (0..40).map(|_| Uuid::new_v4()).collect();
    for round in 0..10 {
        for user in &users {
            road.emit(*user, round * 5, 5).await;
        }
    }
    road.deliver().await;
    let seen = road.seen();
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
    road.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_move_to_a_lane_that_comes_and_stay_in_order() {
    let road = Road::start().await;
    let _first = road.agent("0", done).await;
    let users: Vec<Uuid> = (0..20).map(|_| Uuid::new_v4()).collect();
    let mut second = None;
    let mut round = 0;
    eventually(SOON, "both lanes are used", async || {
        for user in &users {
            road.emit(*user, round, 1).await;
        }
        road.relay().await;
        round += 1;
        if round == 5 {
            second = Some(road.agent("1", done).await);
        }
        let lanes: BTreeSet<String> = road.seen().into_iter().map(|frame| frame.lane).collect();
        lanes.len() == 2
    })
    .await;
    drop(second);
    for user in &users {
        road.emit(*user, round, 1).await;
    }
    road.deliver().await;
    let by_user = first_seen(&road.seen());
    assert!(
        users
            .iter()
            .all(|user| by_user[user] == (0..=round).collect::<Vec<_>>())
    );
    assert!(road.buried().await.is_empty());
    road.stop().await;
}
