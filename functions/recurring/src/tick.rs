//! The work on a tick: finds series whose next occurrence is missing, and makes it. So a lost event costs minutes, not tasks.

use std::time::{Duration, Instant};

use domain::recurrence::Standing;
use guest::frames::Progress;
use guest::logging;

use crate::api::{Api, ApiError};
use crate::rounds::{self, Fate, Task};

/// After this time nothing more is claimed, because events wait for the lane. What is left is for another tick, which is asked for.
const LONGEST: Duration = Duration::from_secs(2);

/// Claims series and makes their next occurrences until there are no more, or the time is over. A series that runs by schedule is claimed
/// once for each occurrence that it has missed. The API claims the next series while it makes the occurrences of those before.
///
/// # Errors
/// The API cannot be used. What was claimed can be claimed again a minute later.
pub fn work(api: &Api) -> Result<Progress, ApiError> {
    let started = Instant::now();
    let mut settled = 0;
    let mut claimed = api.claim()?;
    let progress = loop {
        if claimed.is_empty() {
            break Progress::Finished;
        }
        if started.elapsed() >= LONGEST {
            settled += settle(api, claimed)?;
            break Progress::TimeIsOver;
        }
        let next = api.begin_claim()?;
        settled += settle(api, claimed)?;
        claimed = next.finish()?;
        if claimed.is_empty() {
            // What was just made may be due again.
            claimed = api.claim()?;
        }
    };
    if settled > 0 {
        logging::info("settled occurrences that were missing or due")
            .field("occurrences", settled)
            .write();
    }
    Ok(progress)
}

/// Settles claimed series. Returns how many of them are settled.
fn settle(api: &Api, claimed: Vec<Standing>) -> Result<usize, ApiError> {
    let task = |standing: Standing| Task {
        standing,
        cause: None,
    };
    let tasks = claimed.iter().cloned().map(task).collect();
    let fates = rounds::settle(tasks, |items| api.make(items))?;
    let mut settled = 0;
    for (standing, fate) in claimed.into_iter().zip(fates) {
        let series = standing.series_id;
        let fate = match fate {
            // One series may be the reason why all of them were refused, so each is tried alone.
            Fate::Unsettled(_) => {
                let alone = rounds::settle(vec![task(standing)], |items| api.make(items))?;
                alone.into_iter().next().unwrap_or(Fate::Settled)
            }
            fate => fate,
        };
        match fate {
            Fate::Settled => settled += 1,
            Fate::Unreadable(reason) | Fate::Unsettled(reason) => {
                logging::warn("the next occurrence of a series cannot be made")
                    .field("series.id", series.to_string())
                    .field("error", reason)
                    .write();
            }
        }
    }
    Ok(settled)
}
