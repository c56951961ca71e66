//! `spindle login` and `spindle logout`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use client_native::api::Api;
use client_native::device::Device;
use client_native::http::Patience;
use client_native::session::Session;
use serde_json::json;
use url::Url;

use super::code;
use crate::app::{App, home, needs_server};
use crate::arguments::{Arguments, Login};
use crate::failure::Failure;
use crate::output::{Output, counted};

pub async fn login(
    arguments: &Arguments,
    login: &Login,
    output: &Output,
) -> Result<ExitCode, Failure> {
    needs_server(arguments.offline)?;
    let home = home(arguments)?;
    let before = Session::read(&home)?;
    let server = match (&login.server, &before) {
        (Some(written), _) => address("SERVER", written)?,
        (None, Some(before)) => before.server.clone(),
        (None, None) => {
            let failure = Failure::usage("which server?");
            return Err(failure.hint("spindle login https://tasks.example.org"));
        }
    };
    let live = match (&login.live, &before) {
        (Some(written), _) => Some(address("--live", written)?),
        (None, Some(before)) if before.server == server => Some(before.live.clone()),
        (None, _) => None,
    };
    let known = before.as_ref().map(|before| before.email.clone());
    let email = match (&login.email, known) {
        (Some(email), _) => email.clone(),
        (None, Some(email)) => email,
        (None, None) => ask("E-mail: ")?,
    };
    let password = password(login, &email)?;
    let session = Api::sign_in(&home, server, live, &email, &password).await?;
    let mut app = App::open(arguments, output)?;
    let api = app.api()?;
    let rejected = app.sync(&api).await?;
    let tasks = app
        .device
        .engine()
        .tasks()
        .filter(client::task::Task::is_alive)
        .count();
    let result = json!({"email": session.email, "server": session.server.as_str(), "tasks": tasks});
    output.result(&result, || {
        format!(
            "signed in as {} at {}, {}",
            session.email,
            session.server,
            counted(tasks, "task")
        )
    })?;
    Ok(code(rejected))
}

pub async fn logout(
    arguments: &Arguments,
    force: bool,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let home = home(arguments)?;
    let session = Session::signed_in(&home)?;
    // A copy that cannot be read holds nothing that could still be sent.
    let waiting = Device::open(home.clone()).map(|device| device.engine().pending().len());
    let waiting = if force { 0 } else { waiting? };
    if waiting > 0 {
        let failure = Failure::refused(format!("{} not sent yet", counted(waiting, "change")));
        return Err(
            failure.hint("`spindle sync` sends them; `spindle logout --force` throws them away")
        );
    }
    let ended = match arguments.offline {
        true => false,
        false => Api::open(&home, Patience::BRIEF)?.sign_out().await.is_ok(),
    };
    if !ended {
        output.note("the server could not be told; the session there ends by itself after 30 days");
    }
    Session::remove(&home)?;
    let result = json!({"email": session.email, "server": session.server.as_str()});
    output.result(&result, || {
        format!("signed out; the copy of {} was removed", session.email)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The address of a server. Without a scheme it is https, or http on this machine.
fn address(flag: &str, written: &str) -> Result<Url, Failure> {
    let local = ["localhost", "127.", "[::1]"]
        .iter()
        .any(|host| written.starts_with(host));
    let whole = match written.contains("://") {
        true => written.to_owned(),
        false if local => format!("http://{written}"),
        false => format!("https://{written}"),
    };
    let url = Url::parse(&whole).ok();
    let url = url.filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none()
    });
    url.ok_or_else(|| {
        Failure::usage(format!(
            "{flag} must be an address like https://tasks.example.org, not {written:?}"
        ))
    })
}

fn password(login: &Login, email: &str) -> Result<String, Failure> {
    let unreadable = |error| Failure::usage(format!("the password cannot be read: {error}"));
    if !login.password_stdin && std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("Password of {email}: ")).map_err(unreadable);
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(unreadable)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::usage("there is no password on standard input"));
    }
    Ok(password.to_owned())
}

fn ask(prompt: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "--email is needed where nobody can be asked",
        ));
    }
    let mut line = String::new();
    let mut stderr = std::io::stderr();
    let asked = stderr
        .write_all(prompt.as_bytes())
        .and_then(|()| stderr.flush());
    let read = asked.and_then(|()| std::io::stdin().read_line(&mut line));
    read.map_err(|error| Failure::usage(format!("the e-mail cannot be read: {error}")))?;
    Ok(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_no_scheme() {
        for (written, expected) in [
            ("tasks.example.org", "https://tasks.example.org/"),
            ("http://10.0.0.1:3000", "http://10.0.0.1:3000/"),
            ("localhost:3000", "http://localhost:3000/"),
        ] {
            assert_eq!(address("SERVER", written).unwrap().as_str(), expected);
        }
        for wrong in ["ftp://x", "https://", "a b", "https://x/?y"] {
            assert!(address("SERVER", wrong).is_err(), "{wrong}");
        }
    }
}
