//! `PATCH /api/auth/me` and `PATCH /api/users/{id}`: changes an account, for its owner or for an admin.

use domain::account::{AccountPatch, Role, UserPatch};
use guest::postgres::{text, text_or_null};
use uuid::Uuid;

use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::Write;

pub fn update_me(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of_own_account(request)?;
    let AccountPatch { name, timezone } = AccountPatch::parse(body::merge_patch(request)?)?;
    let zone = timezone.map(|zone| zone.name().to_owned());
    let change = Change {
        user: caller.user,
        admin: None,
        name,
        timezone: zone,
        role: None,
    };
    change.apply(request, &caller)
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
    change.apply(request, &caller)
}

/// A change of an account; `None` leaves a field as it is.
struct Change {
    user: Uuid,
    /// The admin who makes the change; `None` for the account's owner.
    admin: Option<String>,
    name: Option<String>,
    timezone: Option<String>,
    role: Option<Role>,
}

impl Change {
    fn apply(self, request: &mut Request, caller: &Caller) -> Result<Reply, Problem> {
        Query::of(request).finish()?;
        let rate = Rate::write(caller, 1)?;
        let parameters = vec![
            text(self.user.to_string()),
            text_or_null(self.admin),
            text_or_null(self.name),
            text_or_null(self.timezone),
            text_or_null(self.role.map(Role::as_str)),
            text(request.trace.event_members()),
            text(caller.actor()),
        ];
        let statement = include_str!("update_account.sql");
        Write::run(request, &rate, statement, parameters)?.reply(Some(caller))
    }
}
