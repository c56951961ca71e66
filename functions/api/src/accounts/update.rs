//! `PATCH /api/auth/me` and `PATCH /api/users/{id}`: changes an account, for its owner or for an admin.

use domain::account::{AccountPatch, Role, UserPatch};
use domain::json::{Fault, Json};
use domain::reminder::{Channel, Preferences};
use guest::postgres::{text, text_or_null};
use uuid::Uuid;

use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::{Outcome, Write};

pub fn update_me(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of_own_account(request)?;
    Query::of(request).finish()?;
    let AccountPatch {
        name,
        timezone,
        reminders,
    } = AccountPatch::parse(body::merge_patch(request)?)?;
    let change = Change {
        user: caller.user,
        name,
        timezone: timezone.map(|zone| zone.name().to_owned()),
        ..Change::default()
    };
    let write = match reminders {
        Some(patch) => change.with_preferences(request, &caller, |current| {
            current.patched("/reminders", patch.clone())
        })?,
        None => change.apply(request, &caller, &Rate::write(&caller, 1)?)?,
    };
    write.reply(Some(&caller))
}

/// Sends a user nothing more through a channel, whatever their reminders say.
pub fn mute(request: &mut Request, caller: &Caller, channel: Channel) -> Result<Write, Problem> {
    let change = Change {
        user: caller.user,
        ..Change::default()
    };
    change.with_preferences(request, caller, |current| Ok(current.muting(channel)))
}

/// How often a change of preferences is tried, if another request has changed them since they were read.
const ATTEMPTS: usize = 40;

pub fn update_user(request: &mut Request, user: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::admin(request)?;
    let UserPatch { name, role } = UserPatch::parse(body::merge_patch(request)?)?;
    let change = Change {
        user,
        admin: Some(caller.user.to_string()),
        name,
        role,
        ..Change::default()
    };
    Query::of(request).finish()?;
    let rate = Rate::write(&caller, 1)?;
    change.apply(request, &caller, &rate)?.reply(Some(&caller))
}

/// A change of an account; `None` leaves a field as it is.
#[derive(Clone, Default)]
struct Change {
    user: Uuid,
    /// The admin who makes the change; `None` for the account's owner.
    admin: Option<String>,
    name: Option<String>,
    timezone: Option<String>,
    role: Option<Role>,
    /// The preferences that were read, and the new ones, as JSON.
    preferences: Option<[Option<String>; 2]>,
}

impl Change {
    /// Applies it with new preferences, which `change` makes from the current ones.
    fn with_preferences(
        mut self,
        request: &mut Request,
        caller: &Caller,
        change: impl Fn(Preferences) -> Result<Preferences, Vec<Fault>>,
    ) -> Result<Write, Problem> {
        let mut rate = Rate::write(caller, 1)?;
        for _ in 0..ATTEMPTS {
            let parameters = vec![text(caller.user.to_string())];
            let mut row = rate.run(request, include_str!("preferences.sql"), parameters)?;
            // The other statements are part of the same request.
            rate = rate.free();
            let old = row.text_or_null(0)?;
            let current = match &old {
                Some(old) => Preferences::parse(
                    "/reminders",
                    Json::parse(old.as_bytes()).unwrap_or(Json::Null),
                )?,
                None => Preferences::default(),
            };
            let new = change(current)?.to_json();
            self.preferences = Some([old, Some(new)]);
            let write = self.clone().apply(request, caller, &rate)?;
            if write.outcome != Outcome::Stale {
                return Ok(write);
            }
        }
        Err(Problem::conflict(
            "other requests keep changing the account; retry",
        ))
    }

    fn apply(self, request: &mut Request, caller: &Caller, rate: &Rate) -> Result<Write, Problem> {
        let [old, new] = self.preferences.unwrap_or_default();
        let parameters = vec![
            text(self.user.to_string()),
            text_or_null(self.admin),
            text_or_null(self.name),
            text_or_null(self.timezone),
            text_or_null(self.role.map(Role::as_str)),
            text_or_null(old),
            text_or_null(new),
            text(request.trace.event_members()),
            text(caller.actor()),
        ];
        let statement = include_str!("update_account.sql");
        Write::run(request, rate, statement, parameters)
    }
}
