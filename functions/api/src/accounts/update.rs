//! `PATCH /api/auth/me` and `PATCH /api/users/{id}`: an account changed by its owner, or by an admin.

use domain::account::{AccountPatch, Role, UserPatch};
use domain::json::Fault;
use guest::postgres::{text, text_or_null};
use uuid::Uuid;

use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn update_me(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::oneself(request)?;
    let AccountPatch { name, timezone } = AccountPatch::parse(body::merge_patch(request)?)?;
    let zone = timezone.map(|zone| zone.name().to_owned());
    let change = Change {
        user: caller.user,
        admin: None,
        name,
        timezone: zone,
        role: None,
    };
    change.make(request, &caller)
}

pub fn update_user(request: &mut Request, user: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::admin(request)?;
    let UserPatch { name, role } = UserPatch::parse(body::merge_patch(request)?)?;
    let change = Change {
        user,
        admin: Some(caller.user.to_string()),
        name,
        timezone: None,
        role,
    };
    change.make(request, &caller)
}

struct Change {
    user: Uuid,
    admin: Option<String>,
    name: Option<String>,
    timezone: Option<String>,
    role: Option<Role>,
}

impl Change {
    fn make(self, request: &mut Request, caller: &Caller) -> Result<Reply, Problem> {
        Query::of(request).finish()?;
        let rate = Rate::write(caller, 1)?;
        let by_admin = self.admin.is_some();
        let answer = request.db()?.query_one(
            include_str!("update_account.sql"),
            &[
                text(self.user.to_string()),
                text_or_null(self.admin),
                text_or_null(self.name),
                text_or_null(self.timezone),
                text_or_null(self.role.map(Role::as_str)),
                text(request.trace.event_members()),
                text(caller.actor()),
                rate.parameter(),
            ],
        );
        let mut row = match answer {
            // The database knows fewer timezones than we do.
            Err(error) if error.sqlstate() == Some("22023") => {
                return Err(Fault::new("/timezone", "is not a timezone that is known here").into());
            }
            other => other?,
        };
        rate.check(request, &row.text(2)?)?;
        match row.int(0)? {
            200 => Ok(Reply::json(200, row.text(1)?)),
            403 => Err(Problem::not_an_admin()),
            409 => Err(Problem::conflict(
                "there must be an admin; make another one first",
            )),
            _ if by_admin => Err(Problem::not_found()),
            _ => Err(caller.gone()),
        }
    }
}
