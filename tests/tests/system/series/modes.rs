//! What follows an occurrence that is done early or late, in each mode.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use tests::client::{User, text};
use tests::fixture::Fixture;

use super::{appears, complete};

/// Mostly another day than in UTC.
const ZONE: Tz = Tz::Pacific__Auckland;
const MODES: [&str; 3] = ["fixed", "catch_up", "after_completion"];

/// An occurrence that was done, and the one that the agent made after it.
struct Step {
    /// When it was done, on the clock of the owner.
    done: DateTime<Tz>,
    next: Value,
}

/// Completes an occurrence, and checks that the agent makes what the answer announces.
async fn step(user: &User, task: &Value) -> Result<Step> {
    let done = complete(user, task).await?;
    let announced = &done["next"];
    let made = appears(user, &announced["id"]).await?;
    for member in ["id", "occurrence", "due", "due_at"] {
        ensure!(
            made[member] == announced[member],
            "{made} instead of {announced}"
        );
    }
    let at: DateTime<Utc> = text(&done, "completed_at")?.parse()?;
    Ok(Step {
        done: at.with_timezone(&ZONE),
        next: made,
    })
}

fn day(task: &Value) -> Result<NaiveDate> {
    let due = task["due"]["date"].as_str().context("no day")?;
    ensure!(task["occurrence"] == due, "{task}");
    Ok(due.parse()?)
}

/// The first Sunday after a day.
fn sunday_after(day: NaiveDate) -> NaiveDate {
    day + Days::new(7 - u64::from(day.weekday().num_days_from_sunday()))
}

/// Weekly tasks: a fixed one never moves, one that catches up keeps its weekday and is never in the past, and one that counts from its
/// completion gets the weekday of that.
pub async fn early_and_late_days(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user(ZONE.name()).await?;
    for (first, is_late) in [("2026-03-01", true), ("2098-03-02", false)] {
        let first: NaiveDate = first.parse()?;
        for mode in MODES {
            let task = user
                .create(json!({"title": mode, "due": {"date": first}, "recurrence": {"rule": "FREQ=WEEKLY", "mode": mode}}))
                .await?;
            let once = step(&user, &task).await?;
            let twice = step(&user, &once.next).await?;
            let (a, b) = (day(&once.next)?, day(&twice.next)?);
            let (done, again) = (once.done.date_naive(), twice.done.date_naive());
            let week = Days::new(7);
            let expected = match mode {
                "fixed" => (first + week, first + week + week),
                "catch_up" if is_late => (sunday_after(done), sunday_after(done) + week),
                "catch_up" => (first + week, first + week + week),
                // The second is done before its day, and what follows is never the same day again.
                _ => (done + week, (again + week).max(a + week)),
            };
            ensure!(
                (a, b) == expected,
                "{mode} from {first}: {a} and {b} instead of {expected:?}"
            );
        }
    }
    Ok(())
}

/// The same for daily tasks with a time of day: the time stays in each mode.
pub async fn early_and_late_times(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let nine = NaiveTime::from_hms_opt(9, 0, 0).context("no time")?;
    let local = |task: &Value| -> Result<DateTime<Tz>> {
        let due_at: DateTime<Utc> = text(task, "due_at")?.parse()?;
        Ok(due_at.with_timezone(&ZONE))
    };
    for (first, is_late) in [("2026-03-01", true), ("2098-03-02", false)] {
        let first: NaiveDate = first.parse()?;
        for mode in MODES {
            let due = json!({"datetime": format!("{first}T09:00:00"), "timezone": ZONE.name()});
            let task = user
                .create(json!({"title": mode, "due": due, "recurrence": {"rule": "FREQ=DAILY", "mode": mode}}))
                .await?;
            let Step { done, next } = step(&user, &task).await?;
            let found = local(&next)?;
            ensure!(found.time() == nine, "{next}");
            let today_at_nine = ZONE.from_local_datetime(&done.date_naive().and_time(nine));
            let today_at_nine = today_at_nine.single().context("no instant")?;
            let tomorrow = done.date_naive() + TimeDelta::days(1);
            let expected = match mode {
                "catch_up" if is_late && done < today_at_nine => done.date_naive(),
                "catch_up" if is_late => tomorrow,
                "after_completion" => tomorrow,
                _ => first + TimeDelta::days(1),
            };
            ensure!(
                found.date_naive() == expected,
                "{mode} from {first}: {found} instead of {expected}"
            );
        }
    }
    Ok(())
}
