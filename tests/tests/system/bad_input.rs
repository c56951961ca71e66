//! Malformed, hostile and forbidden requests: each gets the right status and a complete problem, and nothing is written.

mod accounts;
mod batches;
mod conditions;
mod fields;
mod headers;
mod json;
mod ownership;
mod queries;
mod rfc8259;
mod tokens;

pub use accounts::accounts;
use anyhow::{Result, ensure};
pub use batches::hostile_batches;
pub use conditions::stale_versions_and_reused_keys;
pub use fields::invalid_fields;
pub use headers::{endless_bodies, hostile_headers};
pub use json::malformed_json;
pub use ownership::resources_of_other_users;
pub use queries::queries_and_methods;
pub use rfc8259::json_by_rfc_8259;
use tests::client::{RequestBuilder, Requests, User};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;
pub use tokens::rejected_tokens;

/// Sends requests that the API must reject, and checks that none of them wrote anything.
struct Rejections<'a> {
    fixture: &'a Fixture,
    before: Vec<i64>,
    wrong: Vec<String>,
}

impl<'a> Rejections<'a> {
    async fn start(fixture: &'a Fixture) -> Result<Self> {
        Ok(Self {
            fixture,
            before: written(fixture).await?,
            wrong: Vec::new(),
        })
    }

    /// Sends a request whose status must be one of `statuses`. A wrong response is only recorded, so that the test shows all of
    /// them at its end.
    async fn check(&mut self, name: &str, statuses: &[u16], request: RequestBuilder) {
        if let Err(error) = self.check_response(statuses, request).await {
            self.wrong.push(format!("{name}: {error:#}"));
        }
    }

    async fn check_response(&self, statuses: &[u16], request: RequestBuilder) -> Result<()> {
        let response = request.send().await?;
        let status = response.status.as_u16();
        ensure!(
            statuses.contains(&status),
            "{status} instead of {statuses:?}: {}",
            String::from_utf8_lossy(&response.body)
        );
        match status {
            401 => ensure!(
                response.header("www-authenticate").is_some(),
                "401 without a header WWW-Authenticate"
            ),
            405 => ensure!(
                response.header("allow").is_some(),
                "405 without a header Allow"
            ),
            412 => ensure!(
                response.header("etag").is_some(),
                "412 without the current version in a header ETag"
            ),
            _ => {}
        }
        response.problem(status).map(|_| ())
    }

    /// Fails if a response was wrong or if a request wrote something.
    async fn finish(self) -> Result<()> {
        let after = written(self.fixture).await?;
        ensure!(
            self.wrong.is_empty(),
            "{} responses are wrong:\n  {}",
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

/// The counts of `write_counts.sql`, once no earlier write is still being delivered.
async fn written(fixture: &Fixture) -> Result<Vec<i64>> {
    wait::until(
        "every event is on the audit trail",
        DELIVERY_LIMIT,
        async || {
            let sql = include_str!("../../sql/all_delivered.sql");
            let delivered: bool = fixture.database.query_one(sql, &[]).await?.get(0);
            Ok(delivered.then_some(()))
        },
    )
    .await?;
    count(fixture).await
}

async fn count(fixture: &Fixture) -> Result<Vec<i64>> {
    let row = fixture
        .database
        .query_one(include_str!("../../sql/write_counts.sql"), &[])
        .await?;
    Ok((0..row.len()).map(|column| row.get(column)).collect())
}

/// A POST with a JSON content type and any bytes as its body.
fn post(user: &User, path: &str, body: &[u8]) -> RequestBuilder {
    user.post(path)
        .header("content-type", "application/json")
        .body(body.to_vec())
}
