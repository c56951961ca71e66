//! Finds the handler of a request. `ROUTES` lists all operations of the API.

use std::borrow::Cow;

use Handler::{Id, Plain, Text};
use spin_sdk::http::Method::{self, Delete, Get, Patch, Post, Put};
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::{cors, query};
use crate::{
    accounts, audit, health, jobs, live, notifications, openapi, push, reminders, series, sync,
    tags, tasks, unsubscribe,
};

type Answer = Result<Reply, Problem>;

/// The handler of a route. Its second argument is the path parameter, if the pattern has one in braces.
enum Handler {
    Plain(fn(&mut Request) -> Answer),
    Id(fn(&mut Request, Uuid) -> Answer),
    Text(fn(&mut Request, String) -> Answer),
}

const ROUTES: &[(&str, &[(Method, Handler)])] = &[
    ("/healthz", &[(Get, Plain(health::alive))]),
    ("/readyz", &[(Get, Plain(health::ready))]),
    ("/api/openapi.json", &[(Get, Plain(openapi::document))]),
    ("/api/docs", &[(Get, Plain(openapi::page))]),
    ("/api/auth/register", &[(Post, Plain(accounts::register))]),
    ("/api/auth/login", &[(Post, Plain(accounts::login))]),
    ("/api/auth/refresh", &[(Post, Plain(accounts::refresh))]),
    ("/api/auth/logout", &[(Post, Plain(accounts::logout))]),
    (
        "/api/auth/password",
        &[(Post, Plain(accounts::change_password))],
    ),
    (
        "/api/auth/me",
        &[
            (Get, Plain(accounts::me)),
            (Patch, Plain(accounts::update_me)),
            (Delete, Plain(accounts::delete)),
        ],
    ),
    ("/api/users", &[(Get, Plain(accounts::users))]),
    (
        "/api/users/{id}",
        &[
            (Get, Id(accounts::user)),
            (Patch, Id(accounts::update_user)),
        ],
    ),
    (
        "/api/tasks",
        &[(Get, Plain(tasks::list)), (Post, Plain(tasks::create))],
    ),
    (
        "/api/tasks/{id}",
        &[
            (Get, Id(tasks::get)),
            (Put, Id(tasks::replace)),
            (Patch, Id(tasks::patch)),
            (Delete, Id(tasks::delete)),
        ],
    ),
    ("/api/tasks/batch", &[(Post, Plain(tasks::batch))]),
    ("/api/tasks/{id}/complete", &[(Post, Id(tasks::complete))]),
    ("/api/tasks/{id}/reopen", &[(Post, Id(tasks::reopen))]),
    ("/api/tasks/{id}/skip", &[(Post, Id(tasks::skip))]),
    ("/api/tasks/{id}/restore", &[(Post, Id(tasks::restore))]),
    (
        "/api/tasks/{id}/reminders",
        &[(Get, Id(reminders::list)), (Post, Id(reminders::add))],
    ),
    (
        "/api/reminders/{id}",
        &[
            (Patch, Id(reminders::patch)),
            (Delete, Id(reminders::remove)),
        ],
    ),
    (
        "/api/reminders/{id}/snooze",
        &[(Post, Id(reminders::snooze_until))],
    ),
    (
        "/api/reminders/{id}/ack",
        &[(Post, Id(reminders::acknowledge))],
    ),
    ("/api/notifications", &[(Get, Plain(notifications::list))]),
    (
        "/api/notifications/read",
        &[(Post, Plain(notifications::read))],
    ),
    ("/api/push/key", &[(Get, Plain(push::key))]),
    ("/api/push/subscriptions", &[(Post, Plain(push::subscribe))]),
    (
        "/api/push/subscriptions/{id}",
        &[(Delete, Id(push::unsubscribe))],
    ),
    (
        "/api/sync",
        &[(Get, Plain(sync::pull)), (Post, Plain(sync::push))],
    ),
    ("/api/conflicts", &[(Get, Plain(sync::conflicts))]),
    ("/api/conflicts/{id}/restore", &[(Post, Id(sync::restore))]),
    (
        "/api/unsubscribe/{token}",
        &[
            (Get, Text(unsubscribe::ask)),
            (Post, Text(unsubscribe::end)),
        ],
    ),
    ("/api/live/ticket", &[(Post, Plain(live::ticket))]),
    ("/api/tasks/{id}/history", &[(Get, Id(audit::history))]),
    ("/api/recurrence/preview", &[(Post, Plain(series::preview))]),
    ("/api/series/{id}", &[(Get, Id(series::get))]),
    (
        "/api/series/{id}/occurrences",
        &[(Get, Id(series::occurrences))],
    ),
    ("/api/series/{id}/pause", &[(Post, Id(series::pause))]),
    ("/api/series/{id}/resume", &[(Post, Id(series::resume))]),
    ("/api/occurrences", &[(Post, Plain(series::make))]),
    ("/api/occurrences/claim", &[(Post, Plain(series::claim))]),
    ("/api/tags", &[(Get, Plain(tags::list))]),
    (
        "/api/tags/{tag}",
        &[(Patch, Text(tags::rename)), (Delete, Text(tags::remove))],
    ),
    ("/api/jobs/{id}", &[(Get, Id(jobs::get))]),
    ("/api/audit", &[(Get, Plain(audit::list))]),
    ("/api/audit/export", &[(Get, Plain(audit::export))]),
    ("/api/audit/verify", &[(Get, Plain(audit::verify))]),
];

/// Paths that people open in a browser to see what is here. They lead to the documentation.
const DOORS: [&str; 2] = ["/", "/api"];

/// Calls the handler of the request's path and method.
///
/// # Errors
/// 404 for an unknown path, 405 for an unknown method of a known path, and whatever the handler returns.
pub fn route(request: &mut Request) -> Answer {
    let path = match request.path() {
        // A trailing slash makes no other resource.
        path @ "/" => path,
        path => path.strip_suffix('/').unwrap_or(path),
    }
    .to_owned();
    if DOORS.contains(&path.as_str()) {
        return Ok(openapi::redirect());
    }
    let mut found = ROUTES
        .iter()
        .filter_map(|(pattern, methods)| Some((matched(pattern, &path)?, methods)));
    // A pattern without a parameter has precedence: `/api/tasks/batch` also matches `/api/tasks/{id}`.
    let (parameter, methods) = found
        .clone()
        .find(|(parameter, _)| parameter.is_none())
        .or_else(|| found.next())
        .ok_or_else(Problem::not_found)?;
    // HEAD is GET without the body of the response.
    let asked = match request.method {
        Method::Head => &Method::Get,
        ref other => other,
    };
    match methods.iter().find(|(method, _)| method == asked) {
        Some((_, Plain(handler))) => handler(request),
        Some((_, Id(handler))) => handler(request, id(parameter.unwrap_or_default())?),
        Some((_, Text(handler))) => handler(request, text(parameter.unwrap_or_default())?),
        None if request.method == Method::Options => Ok(options(&allowed(methods))),
        None => Err(Problem::method_not_allowed(&allowed(methods))),
    }
}

/// The response to OPTIONS: the path's methods and the CORS headers of a preflight.
fn options(allow: &str) -> Reply {
    let reply = Reply::empty(204).header("allow", allow);
    cors::PREFLIGHT
        .into_iter()
        .fold(reply, |reply, (name, value)| reply.header(name, value))
}

/// Matches a path with a pattern. `Some` means that it matches; the inner value is the parameter, if the pattern has one.
fn matched<'path>(pattern: &str, path: &'path str) -> Option<Option<&'path str>> {
    let named = pattern
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?.1)));
    let Some((before, after)) = named else {
        return (pattern == path).then_some(None);
    };
    let parameter = path.strip_prefix(before)?.strip_suffix(after)?;
    (!parameter.contains('/')).then_some(Some(parameter))
}

/// The value of the header `Allow`.
fn allowed(methods: &[(Method, Handler)]) -> String {
    let mut names = Vec::new();
    for (method, _) in methods {
        names.push(method.to_string());
        if *method == Get {
            names.push(Method::Head.to_string());
        }
    }
    names.join(", ")
}

/// Method and pattern of each route, for the test that compares them with the OpenAPI document.
#[cfg(test)]
pub fn operations() -> impl Iterator<Item = String> {
    ROUTES.iter().flat_map(|(pattern, methods)| {
        methods
            .iter()
            .map(move |(method, _)| format!("{method} {pattern}"))
    })
}

/// Reads the parameter as an id. Nothing has a malformed id, so it is a 404.
fn id(text: &str) -> Result<Uuid, Problem> {
    query::uuid(text).ok_or_else(Problem::not_found)
}

/// Decodes a percent-encoded parameter; a slash in it is sent as `%2F`. A malformed one is a 404.
fn text(encoded: &str) -> Result<String, Problem> {
    query::percent_decode(encoded)
        .filter(|text| !text.contains('\0'))
        .map(Cow::into_owned)
        .ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_matches_one_segment() {
        assert_eq!(matched("/a", "/a"), Some(None));
        assert_eq!(matched("/a/{id}", "/a/b"), Some(Some("b")));
        assert_eq!(matched("/a/{id}/c", "/a/b/c"), Some(Some("b")));
        for other in ["/a", "/a/b/c", "/b/a", "/a/b/"] {
            assert_eq!(matched("/a/{id}", other), None, "{other}");
        }
    }

    #[test]
    fn a_text_parameter_is_percent_decoded() {
        assert_eq!(text("a%2Fb+%E8%B2%B7").unwrap(), "a/b+買");
        for bad in ["%00", "%ff", "%"] {
            assert_eq!(text(bad).unwrap_err().status, 404, "{bad}");
        }
    }
}
