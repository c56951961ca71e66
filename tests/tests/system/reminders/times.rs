//! When reminders fire: Postgres computes what the domain computes, in every timezone.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use domain::due::Due;
use domain::json::Json;
use domain::reminder::Reminders;
use domain::zone::{resolve_local, timezone};
use serde_json::json;
use tests::fixture::Fixture;
use tests::zone_files;

use super::{remind, reminders_of};

/// Days on which clocks change somewhere, by 30 minutes to 24 hours.
const DAYS: [&str; 10] = [
    "1972-01-07",
    "1983-10-30",
    "1994-02-01",
    "2006-04-15",
    "2011-12-30",
    "2020-03-08",
    "2026-03-29",
    "2026-10-25",
    "2026-11-01",
    "2027-04-04",
];

/// The timezones that the API takes and the system has.
fn zones() -> Result<Vec<Tz>> {
    let mut found = Vec::new();
    for zone in TZ_VARIANTS {
        let stored = timezone("", Json::Text(zone.name().to_owned()));
        let stored = stored.ok().context("the API does not take a zone")?;
        if zone_files::read(stored.name())?.is_some() {
            found.push(stored);
        }
    }
    ensure!(found.len() > 500, "the system has {} zones", found.len());
    Ok(found)
}

/// Fails with the first of the answers that are not as expected.
fn agreed(asked: &[(String, DateTime<Utc>)], rows: &[tokio_postgres::Row]) -> Result<()> {
    ensure!(asked.len() == rows.len(), "{} answers", rows.len());
    let wrong: Vec<_> = asked
        .iter()
        .zip(rows)
        .filter_map(|((what, expected), row)| {
            let found: DateTime<Utc> = row.get(0);
            (found != *expected).then(|| format!("{what}: {found}, expected {expected}"))
        })
        .collect();
    ensure!(
        wrong.is_empty(),
        "{} of {} differ:\n  {}",
        wrong.len(),
        asked.len(),
        wrong
            .iter()
            .take(20)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n  ")
    );
    Ok(())
}

/// Local times around changes of clocks, also those that do not exist or exist twice.
pub async fn local_times_in_every_zone(fixture: &mut Fixture) -> Result<()> {
    let (mut names, mut walls, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for zone in zones()? {
        for day in DAYS {
            let midnight: NaiveDateTime = format!("{day}T00:00:00").parse()?;
            for minutes in [-330, -90, 0, 5, 30, 75, 119, 120, 150, 180, 210, 720] {
                let wall = midnight + TimeDelta::minutes(minutes);
                names.push(zone.name());
                walls.push(wall.to_string());
                asked.push((format!("{wall} in {zone}"), resolve_local(wall, zone)));
            }
        }
    }
    let statement = include_str!("../../../sql/local_instants.sql");
    let rows = fixture.database.query(statement, &[&names, &walls]).await?;
    agreed(&asked, &rows)
}

/// Leads of days and of hours, before due dates of each kind.
pub async fn leads_in_every_zone(fixture: &mut Fixture) -> Result<()> {
    let nine = NaiveTime::from_hms_opt(9, 0, 0).context("a time")?;
    let (mut leads, mut dues, mut instants, mut names) = (vec![], vec![], vec![], vec![]);
    let mut asked = Vec::new();
    // Neighbours among the zones have much in common.
    for zone in zones()?.into_iter().step_by(5) {
        for day in DAYS {
            for due in [
                json!({"date": day}),
                json!({"datetime": format!("{day}T02:30:00"), "timezone": zone.name()}),
                json!({"datetime": format!("{day}T02:30:00Z")}),
            ] {
                let parsed = Json::parse(due.to_string().as_bytes())
                    .ok()
                    .context("JSON")?;
                let parsed = Due::parse("/due", parsed).ok().context("a due date")?;
                for lead in ["PT0S", "P1D", "PT24H", "P1DT2H", "P30D"] {
                    let items = format!(r#"[{{"before":"{lead}"}}]"#);
                    let items = Json::parse(items.as_bytes()).ok().context("JSON")?;
                    let items = Reminders::parse("", items).ok().context("a reminder")?;
                    let reminder = items.as_slice().first().context("a reminder")?;
                    let expected = reminder.when.fires_at(Some(&parsed), zone, nine);
                    asked.push((
                        format!("{lead} before {due} in {zone}"),
                        expected.context("a time")?,
                    ));
                    leads.push(lead);
                    dues.push(due.to_string());
                    instants.push(parsed.instant_in(zone).to_rfc3339());
                    names.push(zone.name());
                }
            }
        }
    }
    let statement = include_str!("../../../sql/fire_times.sql");
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&leads, &dues, &instants, &names];
    let rows = fixture.database.query(statement, &parameters).await?;
    agreed(&asked, &rows)
}

/// A day before 09:00 is 09:00 of the day before, 24 hours are 24 hours.
pub async fn days_count_on_the_calendar(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let task = remind(
        &user,
        json!([{"before": "P1D"}, {"before": "PT24H"}, {"before": "P1W"}]),
    )
    .await?;
    let change = json!({"due": {"datetime": "2090-03-26T09:00:00", "timezone": "Europe/Berlin"}});
    super::patch(&user, &super::path(&task)?, change).await?;
    let reminders = reminders_of(&user, &task).await?;
    let times: Vec<_> = reminders
        .iter()
        .map(|one| one["fires_at"].as_str())
        .collect();
    // The clocks of Berlin are moved on 26 March 2090, at 02:00.
    let expected = [
        Some("2090-03-25T08:00:00.000000Z"),
        Some("2090-03-25T07:00:00.000000Z"),
        Some("2090-03-19T08:00:00.000000Z"),
    ];
    ensure!(times == expected, "{times:?}");
    ensure!(reminders[2]["before"] == "P7D", "{reminders:?}");
    Ok(())
}
