//! Malformed, hostile and forbidden requests: the right status, a complete problem, and nothing written.

mod accounts;
mod batches;
mod conditions;
mod fields;
mod headers;
mod json;
mod queries;
mod strangers;
mod suite;
mod tokens;

pub use accounts::accounts;
use anyhow::{Result, ensure};
pub use batches::hostile_batches;
pub use conditions::stale_and_reused;
pub use fields::wrong_fields;
pub use headers::{bodies_without_end, header_abuse};
pub use json::malformed_json;
pub use queries::queries_and_methods;
pub use strangers::somebody_elses;
pub use suite::json_by_the_book;
use tests::client::{Call, Calls, Person};
use tests::stage::{SOON, World};
use tests::wait;
pub use tokens::tokens;

/// Runs refused calls and proves that none of them wrote anything.
struct Refusals<'a> {
    world: &'a World,
    before: Vec<i64>,
    wrong: Vec<String>,
}

impl<'a> Refusals<'a> {
    async fn start(world: &'a World) -> Result<Self> {
        Ok(Self {
            world,
            before: written(world).await?,
            wrong: Vec::new(),
        })
    }

    /// Every call is made even when one before it was answered wrongly: the list of failures is worth more than the first.
    async fn refuse(&mut self, name: &str, statuses: &[u16], call: Call) {
        if let Err(error) = self.judge(statuses, call).await {
            self.wrong.push(format!("{name}: {error:#}"));
        }
    }

    async fn judge(&self, statuses: &[u16], call: Call) -> Result<()> {
        let answer = call.send().await?;
        let status = answer.status.as_u16();
        ensure!(
            statuses.contains(&status),
            "{status} instead of {statuses:?}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        match status {
            401 => ensure!(
                answer.header("www-authenticate").is_some(),
                "401 without WWW-Authenticate"
            ),
            405 => ensure!(answer.header("allow").is_some(), "405 without Allow"),
            412 => ensure!(
                answer.header("etag").is_some(),
                "412 without the current ETag"
            ),
            _ => {}
        }
        answer.problem(status).map(|_| ())
    }

    async fn end(self) -> Result<()> {
        let after = written(self.world).await?;
        ensure!(
            self.wrong.is_empty(),
            "{} answers are wrong:\n  {}",
            self.wrong.len(),
            self.wrong.join("\n  ")
        );
        ensure!(
            self.before == after,
            "something was written: {:?} before, {after:?} after",
            self.before
        );
        Ok(())
    }
}

/// Tasks, their versions, their owners' sequences, and task events: once each version is on the trail, so that nothing
/// that was asked for before is still under way.
async fn written(world: &World) -> Result<Vec<i64>> {
    wait::until("every version is on the trail", SOON, async || {
        let numbers = count(world).await?;
        Ok((numbers.get(1) == numbers.get(3)).then_some(numbers))
    })
    .await
}

async fn count(world: &World) -> Result<Vec<i64>> {
    let row = world
        .database
        .query_one(include_str!("bad_input/written.sql"), &[])
        .await?;
    Ok((0..row.len()).map(|column| row.get(column)).collect())
}

fn post(person: &Person, path: &str, body: &[u8]) -> Call {
    person
        .post(path)
        .header("content-type", "application/json")
        .body(body.to_vec())
}
