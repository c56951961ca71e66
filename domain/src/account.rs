//! Accounts: email, password, name, timezone and role, and the request bodies that contain them.

mod common_passwords;
mod email;

use std::fmt;

use chrono_tz::Tz;
use common_passwords::COMMON;
pub use email::Email;
use serde::{Deserialize, Serialize};

use crate::json::{self, Fault, Json, Reader, nullable};
use crate::text;
use crate::text_enum::text_enum;
use crate::zone::timezone;

/// A password in plain text, as RFC 8265 compares it. Its `Debug` output does not contain it.
#[derive(Clone)]
pub struct Password {
    text: String,
    /// What the client sent, if it differs. Hashes of earlier releases are hashes of that.
    typed: Option<String>,
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Password {
    /// Parses a password that is to be checked: any text of up to 1024 characters, which is the limit for new passwords.
    fn parse_any(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let Json::Text(password) = value else {
            return Err(vec![Fault::new(
                pointer,
                format!("must be a string, not {}", value.kind()),
            )]);
        };
        // All limits of the API count characters, because people who type a password do not count bytes.
        if password.chars().count() > 1024 {
            let detail = "must have at most 1024 characters";
            return Err(vec![Fault::new(pointer, detail)]);
        }
        let text = text::password(&password);
        Ok(Self {
            typed: (text != password).then_some(password),
            text,
        })
    }

    /// Parses a new password: 8 to 1024 characters, and not a common password.
    fn parse_new(pointer: &str, value: Json) -> Result<Self, Vec<Fault>> {
        let password = Self::parse_any(pointer, value)?;
        let typed = password.typed.as_ref().unwrap_or(&password.text);
        if typed.chars().count() < 8 {
            let detail = "must have at least 8 characters";
            return Err(vec![Fault::new(pointer, detail)]);
        }
        let lower = password.text.to_lowercase();
        if COMMON.contains(&lower.as_str()) || lower.chars().all(|c| lower.starts_with(c)) {
            return Err(vec![Fault::new(
                pointer,
                "is a common password, which attackers try first; choose another",
            )]);
        }
        Ok(password)
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// What the client sent, if it differs from [`Password::as_bytes`].
    pub fn typed(&self) -> Option<&[u8]> {
        self.typed.as_deref().map(str::as_bytes)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// The body of `POST /api/auth/register`.
#[derive(Debug)]
pub struct Registration {
    pub email: Email,
    pub password: Password,
    pub name: String,
    pub timezone: Tz,
    /// Whether the new user is signed in at once.
    pub sign_in: bool,
}

impl Registration {
    pub fn parse(body: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new("", body)?;
        let email = reader.required("email", Email::parse);
        let password = reader.required("password", Password::parse_new);
        let name = reader.optional("name", name).unwrap_or_default();
        let timezone = reader.optional("timezone", timezone).unwrap_or(Tz::UTC);
        let sign_in = reader.optional("sign_in", json::boolean).unwrap_or(false);
        reader.finish()?;
        match (email, password) {
            (Some(email), Some(password)) => Ok(Self {
                email,
                password,
                name,
                timezone,
                sign_in,
            }),
            _ => Err(vec![Fault::new("", "needs `email` and `password`")]),
        }
    }
}

/// The body of `POST /api/auth/login`.
#[derive(Debug)]
pub struct Credentials {
    pub email: String,
    pub password: Password,
}

impl Credentials {
    /// Parses the body. Any email is accepted: with an invalid one, sign-in fails as it does for an unknown account.
    ///
    /// # Errors
    /// All faults of the body.
    pub fn parse(body: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new("", body)?;
        let email = reader.required("email", |at, value| json::text(at, value, 1, 320));
        let password = reader.required("password", Password::parse_any);
        reader.finish()?;
        match (email, password) {
            (Some(email), Some(password)) => Ok(Self {
                email: text::username(email.trim()),
                password,
            }),
            _ => Err(vec![Fault::new("", "needs `email` and `password`")]),
        }
    }
}

/// The body of `POST /api/auth/password`.
#[derive(Debug)]
pub struct PasswordChange {
    pub current: Password,
    pub new: Password,
}

impl PasswordChange {
    pub fn parse(body: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new("", body)?;
        let current = reader.required("current_password", Password::parse_any);
        let new = reader.required("new_password", Password::parse_new);
        reader.finish()?;
        match (current, new) {
            (Some(current), Some(new)) if current == new => Err(vec![Fault::new(
                "/new_password",
                "must differ from the current password",
            )]),
            (Some(current), Some(new)) => Ok(Self { current, new }),
            _ => Err(vec![Fault::new(
                "",
                "needs `current_password` and `new_password`",
            )]),
        }
    }
}

text_enum!(
    /// The role of an account, as in the column `users.role`. A user accesses their own data, an auditor also reads every audit
    /// trail, an admin also manages users, and a service acts for users.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    Role { User = "user", Auditor = "auditor", Admin = "admin", Service = "service" }
);

/// The body of `PATCH /api/auth/me`, a merge patch (RFC 7396). Null sets a field to its default.
#[derive(Debug, Default)]
pub struct AccountPatch {
    pub name: Option<String>,
    pub timezone: Option<Tz>,
    /// A merge patch of the preferences, see [`crate::reminder::Preferences::patched`].
    pub reminders: Option<Json>,
}

impl AccountPatch {
    pub fn parse(body: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new("", body)?;
        let patch = Self {
            name: reader
                .optional("name", nullable(name))
                .map(Option::unwrap_or_default),
            timezone: reader
                .optional("timezone", nullable(timezone))
                .map(|zone| zone.unwrap_or(Tz::UTC)),
            reminders: reader.take("reminders"),
        };
        reader.finish()?;
        Ok(patch)
    }
}

/// The body of `PATCH /api/users/{id}`, a merge patch (RFC 7396). The role has no default, so it must not be null.
#[derive(Debug, Default)]
pub struct UserPatch {
    pub name: Option<String>,
    pub role: Option<Role>,
}

impl UserPatch {
    pub fn parse(body: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new("", body)?;
        let patch = Self {
            name: reader
                .optional("name", nullable(name))
                .map(Option::unwrap_or_default),
            role: reader.optional("role", Role::parse),
        };
        reader.finish()?;
        Ok(patch)
    }
}

fn name(pointer: &str, value: Json) -> Result<String, Vec<Fault>> {
    let name = json::text(pointer, value, 0, 200)?;
    Ok(match text::is_blank(&name) {
        true => String::new(),
        false => text::trimmed(&name).to_owned(),
    })
}

/// Parses the body of `POST /api/auth/refresh` and `…/logout` and returns the refresh token.
///
/// # Errors
/// All faults of the body.
pub fn parse_refresh(body: Json) -> Result<String, Vec<Fault>> {
    let mut reader = Reader::new("", body)?;
    let token = reader.required("refresh_token", |at, value| json::text(at, value, 1, 512));
    reader.finish()?;
    token.ok_or_else(|| vec![Fault::new("/refresh_token", "is required")])
}

/// Parses the body of `DELETE /api/auth/me` and returns the password.
///
/// # Errors
/// All faults of the body.
pub fn parse_password(body: Json) -> Result<Password, Vec<Fault>> {
    let mut reader = Reader::new("", body)?;
    let password = reader.required("password", Password::parse_any);
    reader.finish()?;
    password.ok_or_else(|| vec![Fault::new("/password", "is required")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(email: &str, password: &str) -> Result<Registration, Vec<Fault>> {
        let body = serde_json::json!({ "email": email, "password": password }).to_string();
        Registration::parse(Json::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn emails_are_checked_and_stored_in_lower_case() {
        assert_eq!(
            registration("Ada@Example.ORG", "correct horse")
                .unwrap()
                .email
                .into_string(),
            "ada@example.org"
        );
        assert_eq!(
            registration("Jose\u{301}@\u{ff45}xample.org", "correct horse")
                .unwrap()
                .email
                .into_string(),
            "jos\u{e9}@example.org"
        );
        for bad in [
            "a\u{ff20}@c.d",
            "a\u{200b}@c.d",
            "",
            "a",
            "a@b",
            "a b@c.d",
            "@c.d",
            "a@",
            "a@b@c.d",
            "a@.d",
            "a@c..d",
            "a@-c.d",
            "a\n@c.d",
        ] {
            assert_eq!(
                registration(bad, "correct horse").unwrap_err()[0].pointer,
                "/email",
                "{bad:?}"
            );
        }
    }

    #[test]
    fn short_and_common_passwords_are_refused() {
        for bad in ["", "short", "Password1", "aaaaaaaaaaaa", &"x1".repeat(513)] {
            assert_eq!(
                registration("a@b.de", bad).unwrap_err()[0].pointer,
                "/password",
                "{bad:?}"
            );
        }
        assert!(registration("a@b.de", &"x1".repeat(512)).is_ok());
    }

    #[test]
    fn a_new_password_must_differ_and_be_acceptable() {
        let change = |current: &str, new: &str| {
            let body = serde_json::json!({ "current_password": current, "new_password": new });
            PasswordChange::parse(Json::parse(body.to_string().as_bytes()).unwrap())
        };
        assert!(change("x", "correct horse").is_ok());
        for (current, new) in [("correct horse", "correct horse"), ("x", "password1")] {
            let faults = change(current, new).unwrap_err();
            assert_eq!(faults[0].pointer, "/new_password");
        }
    }

    #[test]
    fn patches_are_parsed() {
        let json = |text: &str| Json::parse(text.as_bytes()).unwrap();
        let patch =
            AccountPatch::parse(json(r#"{"name":null,"timezone":"Europe/Berlin"}"#)).unwrap();
        assert_eq!(patch.name.as_deref(), Some(""));
        assert_eq!(patch.timezone, Some(Tz::Europe__Berlin));
        assert_eq!(
            AccountPatch::parse(json(r#"{"timezone":null}"#))
                .unwrap()
                .timezone,
            Some(Tz::UTC)
        );
        assert_eq!(
            UserPatch::parse(json(r#"{"role":"auditor"}"#))
                .unwrap()
                .role,
            Some(Role::Auditor)
        );
        for wrong in [
            r#"{"role":"root"}"#,
            r#"{"role":null}"#,
            r#"{"timezone":"UTC"}"#,
            r#"{"email":"a@b.de"}"#,
        ] {
            assert!(UserPatch::parse(json(wrong)).is_err(), "{wrong}");
        }
        for wrong in [
            r#"{"role":"admin"}"#,
            r#"{"timezone":"Mars"}"#,
            r#"{"name":1}"#,
            "[]",
        ] {
            assert!(AccountPatch::parse(json(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn debug_output_hides_passwords() {
        assert!(
            !format!("{:?}", registration("a@b.de", "correct horse").unwrap()).contains("horse")
        );
    }
}
