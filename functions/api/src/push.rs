//! `/api/push`: subscriptions of browsers to Web Push (RFC 8030).

use domain::push::{PushHosts, Subscription, Vapid};
use guest::postgres::text;
use guest::variables::{self, BadSetting};
use serde_json::json;
use uuid::Uuid;

use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::Write;

/// `GET /api/push/key`: the key that a browser subscribes with (RFC 8292, section 4).
pub fn key(request: &mut Request) -> Result<Reply, Problem> {
    Caller::of(request)?;
    Query::of(request).finish()?;
    let key = variables::get("vapid_key")?;
    if key.is_empty() {
        return Err(Problem::not_found());
    }
    let vapid = Vapid::parse(&key, &variables::get("vapid_subject")?).map_err(BadSetting::from)?;
    Ok(Reply::json(
        200,
        json!({ "key": vapid.public_key() }).to_string(),
    ))
}

/// `POST /api/push/subscriptions`.
pub fn subscribe(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let hosts = PushHosts::parse(&variables::get("push_hosts")?)
        .map_err(|reason| BadSetting::new("push_hosts", reason))?;
    let Subscription { endpoint, keys } = Subscription::parse(body::json(request)?, &hosts)?;
    let (p256dh, auth) = keys.to_text();
    let rate = Rate::write(&caller, 1)?;
    let parameters = vec![
        text(caller.user.to_string()),
        text(endpoint.url()),
        text(p256dh),
        text(auth),
    ];
    let statement = include_str!("push/subscribe.sql");
    Write::run(request, &rate, statement, parameters)?.reply(Some(&caller))
}

/// `DELETE /api/push/subscriptions/{id}`.
pub fn unsubscribe(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let rate = Rate::write(&caller, 1)?;
    let parameters = vec![text(caller.user.to_string()), text(id.to_string())];
    let statement = include_str!("push/unsubscribe.sql");
    Write::run(request, &rate, statement, parameters)?.reply(Some(&caller))
}
