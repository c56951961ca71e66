//! Timezones: Rust, Postgres and the files of the timezone database agree about every instant, whatever the name of the zone.

use anyhow::{Context, Result, ensure};
use chrono_tz::{IANA_TZDB_VERSION, TZ_VARIANTS, Tz};
use domain::due::Due;
use domain::json::{Fault, Json};
use domain::zone::timezone;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tests::client::{Requests, User, text};
use tests::fixture::Fixture;
use tests::zone_files;

/// Dates that are hard: days on which clocks change somewhere, by one, two, three, 24 hours or 30 minutes, and the ends of what
/// libraries know.
const DATES: [(i16, i8, i8); 14] = [
    (1970, 1, 1),
    (1978, 4, 1),
    (1983, 10, 29),
    (1999, 10, 30),
    (2006, 4, 14),
    (2011, 12, 29),
    (2020, 3, 7),
    (2026, 3, 28),
    (2026, 10, 31),
    (2037, 7, 1),
    (2087, 5, 11),
    (2099, 12, 31),
    (2100, 1, 1),
    (2150, 7, 1),
];

/// Times of day at which a local time is tried: in the hours in which clocks change, and at noon.
const TIMES: [(i8, i8); 4] = [(0, 0), (0, 30), (2, 30), (12, 0)];

/// The timezones that the API takes: as clients name them, as they are stored, and the file of the latter.
fn zones() -> Result<Vec<(Tz, Tz, TimeZone)>> {
    let mut found = Vec::new();
    for zone in TZ_VARIANTS {
        let stored = timezone("", Json::Text(zone.name().to_owned())).ok();
        let stored = stored.context("the API does not take a zone")?;
        // A system may lack a zone that chrono-tz has. Postgres refuses it then.
        if let Some(file) = zone_files::read(stored.name())? {
            found.push((zone, stored, file));
        }
    }
    ensure!(found.len() > 500, "the system has {} zones", found.len());
    Ok(found)
}

fn parse(due: &Value) -> Result<Due, Vec<Fault>> {
    let json = Json::parse(due.to_string().as_bytes()).unwrap_or(Json::Null);
    Due::parse("/due", json)
}

/// What is wrong, and where the two databases come from.
fn agreed(wrong: &[String]) -> Result<()> {
    ensure!(
        wrong.is_empty(),
        "{} instants differ; chrono-tz has {IANA_TZDB_VERSION}, the system {}:\n  {}",
        wrong.len(),
        zone_files::version()?,
        wrong
            .iter()
            .take(20)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n  ")
    );
    Ok(())
}

/// Every zone on every date, with a due date of each kind.
pub async fn every_zone_by_its_file(fixture: &mut Fixture) -> Result<()> {
    let (mut wrong, mut asked) = (Vec::new(), Vec::new());
    for (zone, stored, file) in zones()? {
        for (year, month, day) in DATES {
            let date = Date::new(year, month, day)?;
            let taken = (1970..=2099).contains(&year);
            for (hour, minute) in TIMES {
                let wall = date.at(hour, minute, 0, 0);
                let local = json!({ "datetime": wall.to_string(), "timezone": zone.name() });
                let found = parse(&local).ok().and_then(|due| due.instant());
                let expected = zone_files::microseconds(&file, wall)?;
                if found.map(|found| found.timestamp_micros()) != taken.then_some(expected) {
                    wrong.push(format!("{local}: {found:?}"));
                }
            }
            // An instant does not depend on rules, so it may be of any year.
            let noon = date.at(12, 0, 0, 0);
            let instant = json!({ "datetime": format!("{noon}Z") });
            let found = parse(&instant).ok().and_then(|due| due.instant());
            let expected = TimeZone::UTC.to_timestamp(noon)?.as_microsecond();
            if found.map(|found| found.timestamp_micros()) != Some(expected) {
                wrong.push(format!("{instant}: {found:?}"));
            }
            let day = json!({ "date": date.to_string() });
            let end = zone_files::microseconds(&file, date.tomorrow()?.at(0, 0, 0, 0))? - 1;
            let found = parse(&day).ok().map(|due| due.instant_in(stored));
            if found.map(|found| found.timestamp_micros()) != taken.then_some(end) {
                wrong.push(format!("{day} in {zone}: {found:?}"));
            }
            if taken {
                asked.push((stored.name(), date.to_string(), end));
            }
        }
    }
    agreed(&wrong)?;
    agreed(&differing_in_postgres(fixture, &asked).await?)
}

/// Asks Postgres when days end, and returns where it says something else.
async fn differing_in_postgres(
    fixture: &Fixture,
    asked: &[(&str, String, i64)],
) -> Result<Vec<String>> {
    let zones: Vec<_> = asked.iter().map(|(zone, _, _)| *zone).collect();
    let dates: Vec<_> = asked.iter().map(|(_, date, _)| date.as_str()).collect();
    let ends: Vec<_> = asked.iter().map(|(_, _, end)| *end).collect();
    let statement = include_str!("../../sql/days_that_end_elsewhere.sql");
    let rows = fixture
        .database
        .query(statement, &[&zones, &dates, &ends])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn moved(user: &User, timezone: &str) -> Result<String> {
    let patch = user
        .patch("/api/auth/me")
        .json(&json!({ "timezone": timezone }));
    text(&patch.send().await?.expect(200)?.json()?, "timezone")
}

/// Names that Postgres takes for an abbreviation, through the API: for the account, and for one due date.
pub async fn abbreviations_are_zones(fixture: &mut Fixture) -> Result<()> {
    let statement = include_str!("../../sql/abbreviations.sql");
    let rows = fixture.database.query(statement, &[]).await?;
    let abbreviations: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    for zone in TZ_VARIANTS {
        let stored = timezone("", Json::Text(zone.name().to_owned())).map(|zone| zone.name());
        let stored = stored
            .ok()
            .context("the API does not take a zone")?
            .to_uppercase();
        ensure!(
            stored == "UTC" || !abbreviations.contains(&stored),
            "{zone} is stored as {stored}, which Postgres takes for an abbreviation"
        );
    }
    for (name, zone, end) in [
        ("CET", "Europe/Brussels", "2026-07-25T21:59:59.999999Z"),
        ("EET", "Europe/Athens", "2026-07-25T20:59:59.999999Z"),
        ("MET", "Europe/Brussels", "2026-07-25T21:59:59.999999Z"),
        ("WET", "Europe/Lisbon", "2026-07-25T22:59:59.999999Z"),
    ] {
        let user = fixture.api.new_user(name).await?;
        let account = user.get("/api/auth/me").send().await?.expect(200)?.json()?;
        ensure!(account["timezone"] == zone, "{name}: {account}");
        let day = user
            .create(json!({"title": name, "due": {"date": "2026-07-25"}}))
            .await?;
        ensure!(day["due_at"] == end, "{name}: {day}");
        let due = json!({"datetime": "2026-07-25T23:59:59.999999", "timezone": name});
        let local = user.create(json!({"title": name, "due": due})).await?;
        ensure!(local["due_at"] == end, "{name}: {local}");
        moved(&user, "Asia/Tokyo").await?;
        ensure!(moved(&user, name).await? == zone, "{name} is not {zone}");
    }
    Ok(())
}

/// Years in which the rules of timezones are not known, and times that are written in an unusual way.
pub async fn years_and_notations(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let send = async |due: Value| {
        let task = json!({"title": "Due", "due": due});
        user.post("/api/tasks").json(&task).send().await
    };
    let berlin = |datetime: &str| json!({"datetime": datetime, "timezone": "Europe/Berlin"});
    for (due, pointer) in [
        (json!({"date": "1969-12-31"}), "/due/date"),
        (json!({"date": "2100-01-01"}), "/due/date"),
        (berlin("1969-12-31T23:59:59"), "/due/datetime"),
        (berlin("2150-07-01T12:00:00"), "/due/datetime"),
    ] {
        let problem = send(due.clone()).await?.problem(422)?;
        let error = &problem["errors"][0];
        ensure!(
            error["pointer"] == pointer && text(error, "detail")?.contains("1970 to 2099"),
            "{due}: {problem}"
        );
    }
    for wrong in [
        berlin("2026-07-25 04:10:00"),
        berlin("2026-07-25T04:10:00.0000001"),
        json!({"datetime": "2026-07-25 04:10:00Z"}),
    ] {
        send(wrong).await?.problem(422)?;
    }
    for (due, due_at) in [
        (
            berlin("2026-07-25T04:10:00.0000000"),
            "2026-07-25T02:10:00.000000Z",
        ),
        (
            berlin("2026-07-25T04:10:00.1234560"),
            "2026-07-25T02:10:00.123456Z",
        ),
        (
            json!({"datetime": "2026-07-25T04:10:00.0000000Z"}),
            "2026-07-25T04:10:00.000000Z",
        ),
        (
            json!({"datetime": "2150-07-25T04:10:00Z"}),
            "2150-07-25T04:10:00.000000Z",
        ),
        (json!({"date": "2099-12-31"}), "2099-12-31T22:59:59.999999Z"),
    ] {
        let task = send(due.clone()).await?.expect(201)?.json()?;
        ensure!(task["due_at"] == due_at, "{due}: {task}");
    }
    Ok(())
}

/// A task that is restored after its owner has moved is due at the end of the day where the owner is now.
pub async fn a_restored_day_ends_in_the_new_timezone(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let due = json!({"date": "2026-07-25"});
    let task = user.create(json!({"title": "Day", "due": due})).await?;
    let local = json!({"datetime": "2026-07-25T09:00:00", "timezone": "Europe/Berlin"});
    let other = user.create(json!({"title": "Local", "due": local})).await?;
    for one in [&task, &other] {
        let path = format!("/api/tasks/{}", text(one, "id")?);
        user.delete(&path).send().await?.expect(204)?;
    }
    moved(&user, "Asia/Tokyo").await?;
    let restored = async |task: &Value| {
        let path = format!("/api/tasks/{}/restore", text(task, "id")?);
        user.post(&path).send().await?.expect(200)?.json()
    };
    let restored_day = restored(&task).await?;
    let end = "2026-07-25T14:59:59.999999Z";
    ensure!(restored_day["due_at"] == end, "{restored_day}");
    ensure!(
        restored(&other).await?["due_at"] == other["due_at"],
        "a local time moved"
    );
    // The same due date again changes nothing, and another one is computed in the new timezone.
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let same = user
        .patch(&path)
        .json(&json!({ "due": due }))
        .send()
        .await?;
    ensure!(
        same.expect(200)?.json()? == restored_day,
        "the same due date changed the task"
    );
    let next = user
        .patch(&path)
        .json(&json!({"due": {"date": "2026-07-26"}}))
        .send()
        .await?;
    let next = next.expect(200)?.json()?;
    ensure!(next["due_at"] == "2026-07-26T14:59:59.999999Z", "{next}");
    // The same due date repairs an instant that rules of a timezone have made wrong.
    let statement = include_str!("../../sql/move_due_dates.sql");
    let whose = user.id.to_string();
    fixture.database.execute(statement, &[&whose]).await?;
    let same = json!({"due": {"date": "2026-07-26"}});
    let repaired = user.patch(&path).json(&same).send().await?.expect(200)?;
    let repaired = repaired.json()?;
    ensure!(repaired["due_at"] == next["due_at"], "{repaired}");
    Ok(())
}
