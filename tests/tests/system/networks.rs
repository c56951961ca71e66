//! Connections between two parts that carry nothing, or everything late. Two bridges run, and those of the first are broken.

use std::time::Duration;

use anyhow::{Result, ensure};
use stage::system::Link;
use tests::fixture::Fixture;
use tests::soak::faults::{SLOW, silence};
use tests::wait;

use crate::faults::{under_load, with_two_bridges};

fn broken(fixture: &Fixture) -> impl Iterator<Item = &Link> {
    let links = fixture.system.links().iter();
    links.filter(|link| link.from() != "bridge-1")
}

/// A black hole between each pair of parts. Some connections survive it, and the others are closed at its end.
pub async fn silent_links(fixture: &mut Fixture) -> Result<()> {
    fixture.expect_end_of_functions();
    with_two_bridges(fixture, async |fixture| {
        under_load(fixture, async |fixture, load| {
            for (number, link) in broken(fixture).enumerate() {
                // A bridge that cannot reach Postgres for this long has lost its leases.
                let leases = link.from() == "bridge-0" && link.to() == "postgres";
                let time = Duration::from_secs(if leases { 8 } else { 3 });
                silence(link.proxy(), time, number % 2 != 0).await;
                load.more(100).await?;
            }
            Ok(())
        })
        .await
    })
    .await
}

/// Latency and loss between each pair of parts, and then between all of them. Everything goes on meanwhile.
pub async fn slow_links(fixture: &mut Fixture) -> Result<()> {
    with_two_bridges(fixture, async |fixture| {
        under_load(fixture, async |fixture, load| {
            for link in broken(fixture) {
                link.proxy().slow_down(SLOW);
                load.more(50).await?;
                link.proxy().resume();
            }
            let links = fixture.system.links();
            links.iter().for_each(|link| link.proxy().slow_down(SLOW));
            let before = entries(fixture).await?;
            load.more(50).await?;
            wait::until(
                "events are delivered over slow links",
                Duration::from_secs(60),
                async || Ok((entries(fixture).await? > before + 50).then_some(())),
            )
            .await?;
            links.iter().for_each(|link| link.proxy().resume());
            Ok(())
        })
        .await
    })
    .await
}

/// Every connection is closed at once, again and again.
pub async fn closed_links(fixture: &mut Fixture) -> Result<()> {
    fixture.expect_end_of_functions();
    under_load(fixture, async |fixture, load| {
        for _ in 0..3 {
            let links = fixture.system.links();
            ensure!(!links.is_empty(), "there are no proxies");
            links.iter().for_each(|link| link.proxy().sever());
            load.more(150).await?;
        }
        Ok(())
    })
    .await
}

async fn entries(fixture: &Fixture) -> Result<i64> {
    let counted = fixture
        .database
        .query_one("select count(*) from audit_logs", &[])
        .await?;
    Ok(counted.get(0))
}
