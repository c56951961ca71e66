//! Rate limits, on systems of their own whose limits are low enough for a test to reach, and last an hour, so that a slow machine
//! does not outlast them.

use anyhow::{Context, Result, ensure};
use futures::future::join_all;
use serde_json::json;
use tests::client::{PASSWORD, Requests, Response, User};
use tests::fixture::{Fixture, connect};
use tests::settings::start_with_settings;
use uuid::Uuid;

/// Checks a 429: its headers say which policy applies and when to retry.
fn is_limited(response: Response, policy: &str) -> Result<()> {
    ensure!(response.status == 429, "{response:?}");
    let wait: u64 = response
        .header("retry-after")
        .context("429 without Retry-After")?
        .parse()?;
    ensure!((1..=3600).contains(&wait), "Retry-After is {wait} s");
    let limit = response.header("ratelimit").unwrap_or_default().to_owned();
    ensure!(limit == format!("\"{policy}\";r=0;t={wait}"), "{limit}");
    let problem = response.problem(429)?;
    ensure!(
        problem["type"] == "urn:spindle:problems/rate-limited",
        "{problem}"
    );
    Ok(())
}

pub async fn limits_per_user(_: &mut Fixture) -> Result<()> {
    let (system, api, _folder) =
        start_with_settings(&[("RATE_WRITE", "3/3600"), ("RATE_READ", "4/3600")]).await?;
    let (one, two) = (api.new_user("UTC").await?, api.new_user("UTC").await?);
    let create = async |user: &User| {
        let request = user.post("/api/tasks").json(&json!({"title": "One more"}));
        request.send().await
    };
    for left in [2, 1, 0] {
        let response = create(&one).await?.expect(201)?;
        ensure!(
            response.header("ratelimit-policy") == Some("\"write\";q=3;w=3600"),
            "{response:?}"
        );
        let limit = response.header("ratelimit").unwrap_or_default();
        ensure!(
            limit.starts_with(&format!("\"write\";r={left};t=")),
            "{limit}"
        );
    }
    is_limited(create(&one).await?, "write")?;
    // The rejected request wrote nothing. Reads have a limit of their own, and so has every user.
    let listed = one.pages("/api/tasks").await?;
    ensure!(listed.len() == 3, "{} tasks", listed.len());
    create(&two).await?.expect(201)?;
    for _ in 0..3 {
        one.get("/api/auth/me").send().await?.expect(200)?;
    }
    is_limited(one.get("/api/tasks").send().await?, "read")?;
    is_limited(
        one.get(&format!("/api/tasks/{}", Uuid::new_v4()))
            .send()
            .await?,
        "read",
    )?;
    // Concurrent requests do not exceed the limit.
    let three = api.new_user("UTC").await?;
    let responses = join_all((0..16).map(|_| create(&three))).await;
    let made = responses.into_iter().collect::<Result<Vec<_>>>()?;
    let made = made
        .iter()
        .filter(|response| response.status == 201)
        .count();
    ensure!(made == 3, "{made} requests were accepted, the limit is 3");
    system.stop().await;
    Ok(())
}

/// A registration whose statement fails leaves the place where its password was hashed to others at once.
pub async fn failed_registrations_keep_no_slot(_: &mut Fixture) -> Result<()> {
    let (system, api, _folder) = start_with_settings(&[("HASHES_AT_ONCE", "1")]).await?;
    let user = api.new_user("UTC").await?;
    let database = connect(&system.database_url()).await?;
    database
        .batch_execute(include_str!("../../sql/revoke_users.sql"))
        .await?;
    for _ in 0..2 {
        let email = format!("{}@example.org", uuid::Uuid::new_v4().simple());
        let register = api.post("/api/auth/register");
        let register = register.json(&json!({"email": email, "password": PASSWORD}));
        register.send().await?.problem(500)?;
    }
    api.login(&user.email).await?.expect(200)?;
    system.stop().await;
    Ok(())
}

/// Sign-ins are limited by account and address and loosely by account, which stops password guessing. Wrong tries do not keep the
/// owner from signing in at another address, nor from refreshing a session, nor do registrations with the email. The number of
/// concurrent password hashes is limited, because each takes much memory and CPU time.
pub async fn sign_in_limits(_: &mut Fixture) -> Result<()> {
    let settings = [
        ("RATE_SIGN_IN", "3/3600"),
        ("RATE_ACCOUNT", "8/3600"),
        ("RATE_REGISTER", "4/3600"),
        ("RATE_ADDRESS", "6/3600"),
        ("HASHES_AT_ONCE", "2"),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let (system, api, _folder) = start_with_settings(&settings).await?;
    let register = async |email: &str, address: &str| {
        let request = api
            .post("/api/auth/register")
            .header("x-forwarded-for", address);
        request
            .json(&json!({"email": email, "password": PASSWORD}))
            .send()
            .await
    };
    let login = async |email: &str, address: &str| {
        let request = api
            .post("/api/auth/login")
            .header("x-forwarded-for", address);
        request
            .json(&json!({"email": email, "password": "a guess"}))
            .send()
            .await
    };
    register("ada@example.org", "192.0.2.1")
        .await?
        .expect(201)?;
    // The attempts of one address, and registrations with the email.
    for _ in 0..3 {
        login("ada@example.org", "192.0.2.2").await?.problem(401)?;
    }
    is_limited_sign_in(login("Ada@example.org", "192.0.2.2").await?, "sign-in")?;
    for _ in 0..4 {
        let again = register("ada@example.org", "192.0.2.3").await?;
        again.problem(409)?;
    }
    is_limited_sign_in(register("ada@example.org", "192.0.2.3").await?, "register")?;
    let signed_in = api
        .post("/api/auth/login")
        .header("x-forwarded-for", "192.0.2.4");
    let signed_in = signed_in.json(&json!({"email": "ada@example.org", "password": PASSWORD}));
    let tokens = signed_in.send().await?.expect(200)?.json()?;
    // The attempts of all addresses, of which there have been four. They count for an unknown account as well.
    for n in 0..4 {
        let address = format!("192.0.2.{}", 10 + n);
        login("ada@example.org", &address).await?.problem(401)?;
    }
    is_limited_sign_in(login("ada@example.org", "192.0.2.14").await?, "account")?;
    for n in 0..8 {
        let address = format!("192.0.2.{}", 20 + n);
        login("nobody@example.org", &address).await?.problem(401)?;
    }
    is_limited_sign_in(login("nobody@example.org", "192.0.2.28").await?, "account")?;
    // Each attempt is for another account, from one address. An address that the client put into the header is ignored; the one
    // that the trusted proxy appended counts.
    for n in 0..6 {
        let forged = format!("198.51.100.{n}, 192.0.2.9");
        login(&format!("somebody-{n}@example.org"), &forged)
            .await?
            .problem(401)?;
    }
    is_limited(
        login("somebody-7@example.org", "192.0.2.9").await?,
        "address",
    )?;
    is_limited(register("new@example.org", "192.0.2.9").await?, "address")?;
    let body = json!({"refresh_token": "a guess"});
    for path in ["/api/auth/refresh", "/api/auth/logout"] {
        let request = api.post(path).header("x-forwarded-for", "192.0.2.9");
        is_limited(request.json(&body).send().await?, "address")?;
    }
    // A known token is not charged to the address or to sign-ins, both of which are used up.
    let refresh = api
        .post("/api/auth/refresh")
        .header("x-forwarded-for", "192.0.2.9")
        .json(&json!({"refresh_token": tokens["refresh_token"]}));
    let refreshed = refresh.send().await?.expect(200)?;
    let limit = refreshed.header("ratelimit").unwrap_or_default();
    ensure!(limit.starts_with("\"read\";r="), "{limit}");
    // Two passwords are hashed at a time. Other requests get 503 without waiting.
    let many = (0..12).map(async |n| {
        let email = format!("crowd-{n}@example.org");
        register(&email, &format!("203.0.113.{n}")).await
    });
    let responses = join_all(many)
        .await
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let count = |status: u16| {
        responses
            .iter()
            .filter(|response| response.status == status)
            .count()
    };
    ensure!(
        count(201) >= 2 && count(503) >= 1 && count(201) + count(503) == 12,
        "{responses:?}"
    );
    let busy = responses
        .into_iter()
        .find(|response| response.status == 503)
        .context("no request got 503")?;
    ensure!(busy.header("retry-after") == Some("1"), "{busy:?}");
    // Afterwards, passwords are hashed again.
    register("late@example.org", "203.0.113.99")
        .await?
        .expect(201)?;
    system.stop().await;
    Ok(())
}

/// Checks a 429 of a sign-in or a registration, which several policies limit. The exceeded one is the last.
fn is_limited_sign_in(response: Response, policy: &str) -> Result<()> {
    ensure!(response.status == 429, "{response:?}");
    let limits: Vec<_> = response.headers.get_all("ratelimit").iter().collect();
    ensure!(limits.len() >= 2, "{limits:?}");
    ensure!(
        response.header("retry-after").is_some(),
        "429 without Retry-After"
    );
    let problem = response.problem(429)?;
    ensure!(
        problem["detail"]
            .to_string()
            .contains(&format!("`{policy}`")),
        "{problem}"
    );
    Ok(())
}

/// The system does not start with a key that can be guessed, without one, or with one key for both kinds of tokens.
pub async fn weak_token_keys_stop_the_start(_: &mut Fixture) -> Result<()> {
    const KEY: &str = "local-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const SHORT: &str = "local-1:c2hvcnQ";
    for settings in [
        &[("TOKEN_KEYS", "")] as &[_],
        &[("TOKEN_KEYS", SHORT)],
        &[("TOKEN_KEYS", "no key at all")],
        &[("SERVICE_KEYS", SHORT)],
        &[("TOKEN_KEYS", KEY), ("SERVICE_KEYS", KEY)],
    ] {
        let Err(error) = start_with_settings(settings).await else {
            anyhow::bail!("the system starts with the keys {settings:?}");
        };
        let (name, _) = settings.last().context("a setting")?;
        let error = format!("{error:#}");
        ensure!(error.contains(name), "{error}");
    }
    Ok(())
}
