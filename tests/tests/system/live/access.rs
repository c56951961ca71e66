//! Who may open a live connection, and when it ends: tickets, origins, tokens, roles and passwords.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::client::{PASSWORD, Requests, User, text};
use tests::fixture::Fixture;
use tests::live::{Events, ORIGIN, Socket, ticket};
use tests::tokens;

/// A change of an account ends its connections within this time.
const WITHIN: Duration = Duration::from_secs(5);

/// A ticket for a page of this origin.
async fn ticket_of(user: &User, header: Option<&str>, body: Option<Value>) -> Result<String> {
    let mut request = user.post("/api/live/ticket");
    if let Some(origin) = header {
        request = request.header("origin", origin);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    text(&request.send().await?.expect(201)?.json()?, "ticket")
}

/// The code that a WebSocket gets that presents this ticket; none if it is let in.
async fn code(gateway: SocketAddr, origin: Option<&str>, ticket: &str) -> Result<Option<u16>> {
    let mut socket = Socket::open(gateway, origin).await?;
    let first = json!({"ticket": ticket, "cursor": null, "seq": 0});
    socket.send(&first.to_string()).await?;
    Ok(match socket.next(WITHIN).await? {
        tests::live::Heard::Message(hello) if hello["type"] == "hello" => None,
        tests::live::Heard::Message(other) => anyhow::bail!("unexpected: {other}"),
        tests::live::Heard::Closed(code, _) => Some(code),
    })
}

/// A ticket is good once, for 30 s, for its user, and for its origin.
pub async fn tickets(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let good = ticket(&ada).await?;
    ensure!(code(gateway, None, &good).await?.is_none(), "it is good");
    ensure!(
        code(gateway, None, &good).await? == Some(4401),
        "it was used"
    );
    ensure!(
        code(gateway, None, "invented").await? == Some(4401),
        "it is invented"
    );
    let late = ticket(&ada).await?;
    let age = include_str!("../../../sql/age_live_tickets.sql");
    fixture.database.execute(age, &[&ada.id]).await?;
    ensure!(
        code(gateway, None, &late).await? == Some(4402),
        "it is late"
    );
    ensure!(code(gateway, None, &late).await? == Some(4401), "and used");

    let other = "https://elsewhere.example.org";
    for (header, body, from, expected) in [
        (Some(ORIGIN), None, Some(ORIGIN), None),
        (
            Some(ORIGIN),
            Some(json!({"origin": ORIGIN})),
            Some(ORIGIN),
            None,
        ),
        (None, Some(json!({"origin": ORIGIN})), Some(ORIGIN), None),
        (Some(other), None, Some(ORIGIN), Some(4403)),
        (None, None, Some(ORIGIN), Some(4403)),
        (Some(ORIGIN), None, None, Some(4403)),
        (None, Some(json!({})), None, None),
    ] {
        let ticket = ticket_of(&ada, header, body.clone()).await?;
        let got = code(gateway, from, &ticket).await?;
        ensure!(
            got == expected,
            "a ticket of {header:?} and {body:?} from {from:?}: {got:?}"
        );
        // Also a refused ticket is used up.
        let again = code(gateway, from, &ticket).await?;
        ensure!(again == Some(4401), "again: {again:?}");
    }
    let refused = Socket::open(gateway, Some(other)).await.err();
    let refused = refused.map(|error| error.to_string());
    ensure!(
        refused.as_deref() == Some("status 403"),
        "a page that is not listed: {refused:?}"
    );
    for body in [
        json!({"origin": "https://a.org/"}),
        json!({"origin": 7}),
        json!({"x": 1}),
    ] {
        let request = ada.post("/api/live/ticket").json(&body);
        request.send().await?.expect(422)?;
    }
    let both = ada.post("/api/live/ticket").header("origin", other);
    let both = both.json(&json!({"origin": ORIGIN})).send().await?;
    both.expect(422)?;
    Ok(())
}

/// The same for server-sent events, where a refusal is a status.
pub async fn tickets_of_events(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let ask = async |ticket: &str, headers: &[(&str, &str)]| {
        let response = Events::request(gateway, &format!("ticket={ticket}"), headers).await?;
        anyhow::Ok(response)
    };
    let of_page = [("origin", ORIGIN)];
    let response = ask(&ticket_of(&ada, Some(ORIGIN), None).await?, &of_page).await?;
    let header = |name: &str| response.headers().get(name).cloned();
    ensure!(
        response.status() == 200
            && header("access-control-allow-origin").is_some_and(|origin| origin == ORIGIN)
            && header("content-type").is_some_and(|kind| kind == "text/event-stream"),
        "{response:?}"
    );
    // A page of the gateway's own origin sends no `Origin` here.
    let own = [("sec-fetch-site", "same-origin")];
    let bound = ticket_of(&ada, Some(ORIGIN), None).await?;
    ensure!(ask(&bound, &own).await?.status() == 200, "its own page");
    for (headers, status, reason) in [
        ([].as_slice(), 403, "wrong_origin"),
        (
            &[("origin", "https://elsewhere.example.org")],
            403,
            "wrong_origin",
        ),
        (&[("sec-fetch-site", "cross-site")], 403, "wrong_origin"),
    ] {
        let bound = ticket_of(&ada, Some(ORIGIN), None).await?;
        let response = ask(&bound, headers).await?;
        let got = response.status().as_u16();
        let problem: Value = response.json().await?;
        ensure!(
            got == status && problem["type"] == format!("urn:spindle:problems/live/{reason}"),
            "{headers:?}: {got} {problem}"
        );
    }
    let used = ticket(&ada).await?;
    ensure!(ask(&used, &[]).await?.status() == 200, "it is good");
    ensure!(ask(&used, &[]).await?.status() == 401, "it was used");
    let nothing = Events::request(gateway, "", &[]).await?;
    ensure!(nothing.status() == 400, "without a ticket: {nothing:?}");
    Ok(())
}

/// An account has a bounded number of tickets, and the newest are good.
pub async fn tickets_are_bounded(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let first = ticket(&ada).await?;
    let mut last = first.clone();
    for _ in 0..40 {
        last = ticket(&ada).await?;
    }
    let count = "select count(*) from live_tickets where user_id = $1";
    let row = fixture.database.query_one(count, &[&ada.id]).await?;
    ensure!(row.get::<_, i64>(0) == 40, "{row:?}");
    ensure!(
        code(gateway, None, &first).await? == Some(4401),
        "the oldest"
    );
    ensure!(code(gateway, None, &last).await?.is_none(), "the newest");
    Ok(())
}

/// A connection ends with the access token of its ticket.
pub async fn a_token_ends(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let ada = fixture.api.new_user("UTC").await?;
    let token = tokens::signed(fixture.system.token_keys(), ada.id, "user", 4)?;
    let short = User { token, ..ada };
    let (mut socket, _) = Socket::join(gateway, &short, Some(0)).await?;
    let mut events = Events::join(gateway, &short, 0).await?;
    let (code, reason) = socket.closed(Duration::from_secs(6)).await?;
    ensure!(
        code == 4411 && reason["reason"] == "token_ended",
        "unexpected: {code} {reason}"
    );
    events.next().await?;
    let end = events.next().await?;
    ensure!(
        end.name.as_deref() == Some("close") && end.data["code"] == 4411,
        "unexpected: {end:?}"
    );
    ensure!(events.next().await.is_err(), "the stream goes on");
    Ok(())
}

/// A new role, a new password and the end of the account end the connections of that user alone, and its tickets.
pub async fn accounts_change(fixture: &mut Fixture) -> Result<()> {
    let gateway = fixture.system.live_address(0)?;
    let admin = fixture.admin().await?;
    let witness = fixture.api.new_user("UTC").await?;
    let mut bystander = Events::join(gateway, &witness, 0).await?;
    bystander.next().await?;
    for what in ["role", "password", "account"] {
        let ada = fixture.api.new_user("UTC").await?;
        let (mut socket, _) = Socket::join(gateway, &ada, Some(0)).await?;
        let unused = ticket(&ada).await?;
        match what {
            "role" => {
                let path = format!("/api/users/{}", ada.id);
                let patch = admin.patch(&path).json(&json!({"role": "auditor"}));
                patch.send().await?.expect(200)?;
            }
            "password" => {
                let change = json!({"current_password": PASSWORD, "new_password": "another horse, another battery"});
                let change = ada.post("/api/auth/password").json(&change);
                change.send().await?.expect(200)?;
            }
            _ => {
                let delete = ada
                    .delete("/api/auth/me")
                    .json(&json!({"password": PASSWORD}));
                delete.send().await?.expect(204)?;
            }
        }
        let (code_, reason) = socket.closed(WITHIN).await?;
        ensure!(
            code_ == 4410 && reason["reason"] == "account_changed",
            "{what}: {code_} {reason}"
        );
        // The tickets of an account that is gone are gone, too.
        let expected = if what == "account" { 4401 } else { 4410 };
        let got = code(gateway, None, &unused).await?;
        ensure!(got == Some(expected), "{what}: {got:?}");
    }
    witness.create(json!({"title": "still here"})).await?;
    ensure!(bystander.next().await?.id == Some(1), "the bystander hears");
    Ok(())
}
