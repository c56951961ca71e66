//! `/api/unsubscribe/{token}`: the link in a mail that ends these mails (RFC 8058). It needs no sign-in, because the token is signed.

use domain::keys::Keys;
use domain::mail::Unsubscribe;
use guest::variables::{self, BadSetting};

use crate::accounts;
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::http::request::Request;

const ASK: &str = include_str!("unsubscribe/ask.html");
const DONE: &str = include_str!("unsubscribe/done.html");

/// `GET`: a page with a button. Opening the link changes nothing, because mail programs open links on their own.
pub fn ask(request: &mut Request, token: String) -> Result<Reply, Problem> {
    Query::of(request).finish()?;
    read(&token)?;
    Ok(page(ASK))
}

/// `POST`: ends the mails. The body is not read: mail programs send `List-Unsubscribe=One-Click`, and the button of the page nothing.
pub fn end(request: &mut Request, token: String) -> Result<Reply, Problem> {
    Query::of(request).finish()?;
    let link = read(&token)?;
    let caller = Caller::of_link(link.user);
    accounts::mute(request, &caller, link.channel)?.reply(Some(&caller))?;
    Ok(page(DONE))
}

/// Reads a token. One that is not signed with a key of the setting is a page that does not exist.
fn read(token: &str) -> Result<Unsubscribe, Problem> {
    let setting = variables::get("unsubscribe_keys")?;
    if setting.is_empty() {
        return Err(Problem::not_found());
    }
    let keys = Keys::parse(&setting, String::new())
        .map_err(|reason| BadSetting::new("unsubscribe_keys", reason))?;
    Unsubscribe::read(token, keys.all()).ok_or_else(Problem::not_found)
}

fn page(html: &'static str) -> Reply {
    Reply::page(html).header(
        "content-security-policy",
        "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    )
}
