//! Which handler serves a request. The list below is the whole API.

use crate::problem::Problem;
use crate::reply::Reply;
use crate::request::Request;
use crate::{accounts, audit, cors, health, tasks};
use spin_sdk::http::Method;
use uuid::Uuid;

type Answer = Result<Reply, Problem>;
type Handler = fn(&mut Request) -> Answer;
type TaskHandler = fn(&mut Request, Uuid) -> Answer;

pub fn route(request: &mut Request) -> Answer {
    let path = request.path().to_owned();
    let mut parts = path.split('/').skip(1);
    let segments = [parts.next(), parts.next(), parts.next(), parts.next()];
    if parts.next().is_some() {
        return Err(Problem::not_found());
    }
    match segments {
        [Some("healthz"), None, ..] => on(request, "GET", &[(Method::Get, health::alive)]),
        [Some("readyz"), None, ..] => on(request, "GET", &[(Method::Get, health::ready)]),
        [Some("api"), Some("auth"), Some(verb), None] => match verb {
            "register" => on(request, "POST", &[(Method::Post, accounts::register)]),
            "login" => on(request, "POST", &[(Method::Post, accounts::login)]),
            "logout" => on(request, "POST", &[(Method::Post, accounts::logout)]),
            "password" => on(
                request,
                "POST",
                &[(Method::Post, accounts::change_password)],
            ),
            "refresh" => on(request, "POST", &[(Method::Post, accounts::refresh)]),
            "me" => on(
                request,
                "GET, DELETE",
                &[
                    (Method::Get, accounts::me),
                    (Method::Delete, accounts::delete),
                ],
            ),
            _ => Err(Problem::not_found()),
        },
        [Some("api"), Some("audit"), None, None] => {
            on(request, "GET", &[(Method::Get, audit::list)])
        }
        [Some("api"), Some("audit"), Some("verify"), None] => {
            on(request, "GET", &[(Method::Get, audit::verify)])
        }
        [Some("api"), Some("tasks"), None, None] => on(
            request,
            "GET, POST",
            &[(Method::Get, tasks::list), (Method::Post, tasks::create)],
        ),
        [Some("api"), Some("tasks"), Some(id), None] => on_task(
            request,
            id,
            "GET, PUT, PATCH, DELETE",
            &[
                (Method::Get, tasks::get),
                (Method::Put, tasks::replace),
                (Method::Patch, tasks::patch),
                (Method::Delete, tasks::delete),
            ],
        ),
        [Some("api"), Some("tasks"), Some(id), Some(verb)] => match verb {
            "complete" => on_task(request, id, "POST", &[(Method::Post, tasks::complete)]),
            "history" => on_task(request, id, "GET", &[(Method::Get, audit::history)]),
            "reopen" => on_task(request, id, "POST", &[(Method::Post, tasks::reopen)]),
            _ => Err(Problem::not_found()),
        },
        _ => Err(Problem::not_found()),
    }
}

/// Picks the handler for the request's method; `allow` names the methods there are.
fn on(request: &mut Request, allow: &'static str, handlers: &[(Method, Handler)]) -> Answer {
    match handlers
        .iter()
        .find(|(method, _)| *method == request.method)
    {
        Some((_, handler)) => handler(request),
        None if request.method == Method::Options => Ok(cors::preflight(allow)),
        None => Err(Problem::method_not_allowed(allow)),
    }
}

/// As `on`, for a path with the id of a task. What is no id is an unknown task.
fn on_task(
    request: &mut Request,
    id: &str,
    allow: &'static str,
    handlers: &[(Method, TaskHandler)],
) -> Answer {
    match handlers
        .iter()
        .find(|(method, _)| *method == request.method)
    {
        Some((_, handler)) => handler(request, task_id(id)?),
        None if request.method == Method::Options => Ok(cors::preflight(allow)),
        None => Err(Problem::method_not_allowed(allow)),
    }
}

fn task_id(text: &str) -> Result<Uuid, Problem> {
    Some(text)
        .filter(|text| text.len() == 36)
        .and_then(|text| Uuid::parse_str(text).ok())
        .ok_or_else(Problem::not_found)
}
