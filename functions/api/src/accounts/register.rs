//! `POST /api/auth/register`: creates an account, and starts its first session if the client asks for it.

use domain::account::{Registration, Role};
use guest::postgres::{text, text_or_null};
use serde_json::{Map, Value};

use super::admission::{self, Admission};
use super::session::{self, RefreshToken};
use crate::auth::keys;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::{Outcome, Write};

pub fn register(request: &mut Request) -> Result<Reply, Problem> {
    // Without keys the new user could not sign in.
    let keys = keys::load()?;
    let Registration {
        email,
        password,
        name,
        timezone,
        sign_in,
    } = Registration::parse(body::json(request)?)?;
    let email = email.into_string();
    let admission = Admission::register(request)?;
    let (slot, _) = admission.begin(request, include_str!("register_begin.sql"), Vec::new())?;
    let hash = session::hash_password(&password)?;
    let refresh = sign_in.then(RefreshToken::new);
    let parameters = [
        text(email),
        text(hash),
        text(name),
        text(timezone.name()),
        text_or_null(refresh.as_ref().map(RefreshToken::hash)),
        text(request.trace.event_members()),
        text(&slot),
    ];
    let mut row = admission::finish(request, include_str!("register.sql"), &parameters, &slot)?;
    let mut write = Write::read(&mut row)?;
    if write.outcome == Outcome::Taken {
        return Err(Problem::conflict("another account has this email"));
    }
    if let (Some(refresh), Some(account)) = (refresh, &mut write.body) {
        let mut members: Map<String, Value> = serde_json::from_str(account)
            .map_err(|_| Problem::internal("an account is not valid JSON"))?;
        let user = write.id.as_deref().unwrap_or_default();
        let tokens = session::tokens(user, Role::User.as_str(), refresh, &keys)?;
        members.insert("tokens".to_owned(), tokens);
        *account = Value::from(members).to_string();
    }
    Ok(write.reply(None)?.header("location", "/api/auth/me"))
}
