//! Rates, on a system of its own whose rates one test can spend.

use anyhow::{Context, Result, ensure};
use futures::future::join_all;
use serde_json::json;
use tests::client::{Answer, Calls, PASSWORD, Person};
use tests::settings::started_with;
use tests::stage::World;
use uuid::Uuid;

/// Checks what a refusal says to somebody who wants to do right.
fn refused(answer: Answer, policy: &str) -> Result<()> {
    let wait: u64 = answer
        .header("retry-after")
        .context("no Retry-After")?
        .parse()?;
    ensure!((1..=60).contains(&wait), "wait {wait} s");
    let limit = answer.header("ratelimit").unwrap_or_default().to_owned();
    ensure!(limit == format!("\"{policy}\";r=0;t={wait}"), "{limit}");
    let problem = answer.problem(429)?;
    ensure!(
        problem["type"] == "urn:spindle:problems/rate-limited",
        "{problem}"
    );
    Ok(())
}

pub async fn users_have_rates(_: &mut World) -> Result<()> {
    let (system, api, _folder) =
        started_with(&[("RATE_WRITE", "3/60"), ("RATE_READ", "4/60")]).await?;
    let (one, two) = (api.newcomer("UTC").await?, api.newcomer("UTC").await?);
    let create = async |person: &Person| {
        let call = person
            .post("/api/tasks")
            .json(&json!({"title": "One more"}));
        call.send().await
    };
    for left in [2, 1, 0] {
        let answer = create(&one).await?.expect(201)?;
        ensure!(
            answer.header("ratelimit-policy") == Some("\"write\";q=3;w=60"),
            "{answer:?}"
        );
        let limit = answer.header("ratelimit").unwrap_or_default();
        ensure!(
            limit.starts_with(&format!("\"write\";r={left};t=")),
            "{limit}"
        );
    }
    refused(create(&one).await?, "write")?;
    // Nothing was written, reading is another rate, and nobody else's is touched.
    let listed = one.pages("/api/tasks").await?;
    ensure!(listed.len() == 3, "{} tasks", listed.len());
    create(&two).await?.expect(201)?;
    for _ in 0..3 {
        one.get("/api/auth/me").send().await?.expect(200)?;
    }
    refused(one.get("/api/tasks").send().await?, "read")?;
    refused(
        one.get(&format!("/api/tasks/{}", Uuid::new_v4()))
            .send()
            .await?,
        "read",
    )?;
    // At once from many: no more than the rate.
    let three = api.newcomer("UTC").await?;
    let answers = join_all((0..16).map(|_| create(&three))).await;
    let made = answers.into_iter().collect::<Result<Vec<_>>>()?;
    let made = made.iter().filter(|answer| answer.status == 201).count();
    ensure!(made == 3, "{made} of 3 were allowed");
    system.stop().await;
    Ok(())
}

/// A password is guessed at neither from one address nor from many, and hashing never takes the machine.
pub async fn signing_in_has_rates(_: &mut World) -> Result<()> {
    let settings = [
        ("RATE_SIGN_IN", "3/60"),
        ("RATE_ADDRESS", "6/60"),
        ("HASHES_AT_ONCE", "2"),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let (system, api, _folder) = started_with(&settings).await?;
    let register = async |email: &str, address: &str| {
        let call = api
            .post("/api/auth/register")
            .header("x-forwarded-for", address);
        call.json(&json!({"email": email, "password": PASSWORD}))
            .send()
            .await
    };
    let login = async |email: &str, address: &str| {
        let call = api
            .post("/api/auth/login")
            .header("x-forwarded-for", address);
        call.json(&json!({"email": email, "password": "a guess"}))
            .send()
            .await
    };
    register("ada@example.org", "192.0.2.1")
        .await?
        .expect(201)?;
    // Each time from elsewhere: the account's rate counts them all, those of an unknown account no less.
    for address in ["192.0.2.2", "192.0.2.3"] {
        login("ada@example.org", address).await?.problem(401)?;
    }
    refused_sign_in(login("Ada@example.org", "192.0.2.4").await?)?;
    for address in ["192.0.2.5", "192.0.2.6", "192.0.2.7"] {
        login("nobody@example.org", address).await?.problem(401)?;
    }
    refused_sign_in(login("nobody@example.org", "192.0.2.8").await?)?;
    // Each time another account, from one address; what the client wrote before the proxy's word counts for nothing.
    for n in 0..6 {
        let forged = format!("198.51.100.{n}, 192.0.2.9");
        login(&format!("somebody-{n}@example.org"), &forged)
            .await?
            .problem(401)?;
    }
    refused(
        login("somebody-7@example.org", "192.0.2.9").await?,
        "address",
    )?;
    refused(register("new@example.org", "192.0.2.9").await?, "address")?;
    let body = json!({"refresh_token": "a guess"});
    for path in ["/api/auth/refresh", "/api/auth/logout"] {
        let call = api.post(path).header("x-forwarded-for", "192.0.2.9");
        refused(call.json(&body).send().await?, "address")?;
    }
    // Two hash at once, the others hear of it at once.
    let many = (0..12).map(async |n| {
        let email = format!("crowd-{n}@example.org");
        register(&email, &format!("203.0.113.{n}")).await
    });
    let answers = join_all(many)
        .await
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    ensure!(
        count(201) >= 2 && count(503) >= 1 && count(201) + count(503) == 12,
        "{answers:?}"
    );
    let busy = answers
        .into_iter()
        .find(|answer| answer.status == 503)
        .context("nobody waits")?;
    ensure!(busy.header("retry-after") == Some("1"), "{busy:?}");
    // The places are free again.
    register("late@example.org", "203.0.113.99")
        .await?
        .expect(201)?;
    system.stop().await;
    Ok(())
}

fn refused_sign_in(answer: Answer) -> Result<()> {
    let limits: Vec<_> = answer.headers.get_all("ratelimit").iter().collect();
    ensure!(limits.len() == 2, "{limits:?}");
    ensure!(answer.header("retry-after").is_some(), "no Retry-After");
    let problem = answer.problem(429)?;
    ensure!(
        problem["detail"].to_string().contains("sign-in"),
        "{problem}"
    );
    Ok(())
}

/// A key that can be guessed stops the start, and so does none.
pub async fn weak_keys_stop_the_start(_: &mut World) -> Result<()> {
    for weak in ["", "local-1:c2hvcnQ", "no key at all"] {
        let Err(error) = started_with(&[("TOKEN_KEYS", weak)]).await else {
            anyhow::bail!("a system starts with the keys {weak:?}");
        };
        let error = format!("{error:#}");
        ensure!(error.contains("TOKEN_KEYS"), "{error}");
    }
    Ok(())
}
