//! `GET /api/users` and `GET /api/users/{id}`: accounts as admins see them.

use crate::auth::Caller;
use crate::cursor::Cursor;
use crate::problem::Problem;
use crate::query::{self, Query};
use crate::rate::Rate;
use crate::reply::Reply;
use crate::request::Request;
use domain::account::Role;
use guest::postgres::{ParameterValue, Row, text, text_or_null};
use serde_json::json;
use uuid::Uuid;

pub fn users(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::admin(request)?;
    let mut query = Query::of(request);
    let email = query.parsed("email", "1 to 320 characters", |text| {
        (1..=320)
            .contains(&text.chars().count())
            .then(|| text.to_owned())
    });
    let role = query.parsed(
        "role",
        &format!("one of {}", Role::WORDS.join(", ")),
        Role::from_word,
    );
    let limit = query.parsed("limit", query::LIMIT, query::limit);
    let list = format!("users {email:?} {role:?}");
    let after = query.parsed("cursor", query::CURSOR, |text| Cursor::decode(text, &list));
    query.finish()?;

    let limit = limit.unwrap_or(query::DEFAULT_LIMIT);
    let filter = Filter {
        email,
        role,
        after: after.map(|cursor| cursor.id),
        limit,
        id: None,
    };
    let mut row = filter.ask(request, &caller)?;
    let next = match row.text_or_null(3)? {
        Some(id) => {
            let id = Uuid::parse_str(&id)
                .map_err(|_| Problem::inconsistent("a user's id does not read"))?;
            let key = String::new();
            json!(Cursor { key, id }.encode(&list))
        }
        None => json!(null),
    };
    let items = row.text(2)?;
    Ok(Reply::json(
        200,
        format!(r#"{{"items":[{items}],"next_cursor":{next}}}"#),
    ))
}

pub fn user(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::admin(request)?;
    Query::of(request).finish()?;
    let filter = Filter {
        id: Some(id),
        limit: 1,
        ..Filter::default()
    };
    let found = filter.ask(request, &caller)?.text(2)?;
    if found.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(Reply::json(200, found))
}

#[derive(Default)]
struct Filter {
    email: Option<String>,
    role: Option<Role>,
    after: Option<Uuid>,
    limit: i64,
    id: Option<Uuid>,
}

impl Filter {
    fn ask(self, request: &mut Request, caller: &Caller) -> Result<Row, Problem> {
        let rate = Rate::read(caller, 1)?;
        let id = |id: Option<Uuid>| text_or_null(id.map(|id| id.to_string()));
        let mut row = request.db()?.query_one(
            include_str!("users.sql"),
            &[
                text(caller.user.to_string()),
                text_or_null(self.email),
                text_or_null(self.role.map(Role::as_str)),
                id(self.after),
                ParameterValue::Int64(self.limit),
                id(self.id),
                rate.parameter(),
            ],
        )?;
        rate.check(request, &row.text(0)?)?;
        if row.bool(1)? {
            Ok(row)
        } else {
            Err(Problem::not_an_admin())
        }
    }
}
