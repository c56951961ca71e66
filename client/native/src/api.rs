//! Requests to the API in the name of the account, with tokens that are refreshed when they end.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::error::Error;
use crate::home::Home;
use crate::http::{Answered, Ask, Http, Patience};
use crate::session::{Issued, Session, Tokens};

/// How long a process waits while another one refreshes the tokens.
const REFRESH_PATIENCE: Duration = Duration::from_secs(60);
/// How often a refresh is sent when its answer is lost. The server takes the token again for 30 s.
const REFRESH_ATTEMPTS: usize = 3;

#[derive(Clone)]
pub struct Api {
    http: Http,
    home: Home,
    patience: Patience,
}

#[derive(Deserialize)]
struct Account {
    id: Uuid,
    email: String,
}

impl Api {
    /// The API that the session of this home folder belongs to.
    ///
    /// # Errors
    /// Nobody has signed in.
    pub fn open(home: &Home, patience: Patience) -> Result<Self, Error> {
        Ok(Self {
            http: Http::new(Session::signed_in(home)?.server, patience)?,
            home: home.clone(),
            patience,
        })
    }

    /// Signs in and writes the session. The local copy of the same account stays.
    ///
    /// # Errors
    /// The server refuses, cannot be reached, or the home folder belongs to another account.
    pub async fn sign_in(
        home: &Home,
        server: Url,
        live: Option<Url>,
        email: &str,
        password: &str,
    ) -> Result<Session, Error> {
        let http = Http::new(server.clone(), Patience::LONG)?;
        let body = json!({"email": email, "password": password});
        let issued = http.send(&Ask::post("/api/auth/login", Some(body))).await?;
        let tokens: Tokens = issued.expect::<Issued>(200)?.into();
        let me = Ask::get("/api/auth/me").bearer(&tokens.access_token);
        let account: Account = http.send(&me).await?.expect(200)?;
        let _lock = home.lock_session(REFRESH_PATIENCE).await?;
        if let Some(before) = Session::read(home)?
            && (before.user, &before.server) != (account.id, &server)
        {
            return Err(Error::OtherAccount {
                email: before.email,
                server: before.server,
            });
        }
        let session = Session {
            live: live.unwrap_or_else(|| server.clone()),
            server,
            user: account.id,
            email: account.email,
            tokens: Some(tokens),
        };
        session.write(home)?;
        Ok(session)
    }

    /// Ends the session at the server.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn sign_out(&self) -> Result<(), Error> {
        let Some(tokens) = Session::signed_in(&self.home)?.tokens else {
            return Ok(());
        };
        let body = json!({"refresh_token": tokens.refresh_token});
        let answered = self
            .http
            .send(&Ask::post("/api/auth/logout", Some(body)))
            .await?;
        match answered.status {
            204 => Ok(()),
            _ => Err(answered.problem()),
        }
    }

    /// A client of the gateway.
    ///
    /// # Errors
    /// Nobody has signed in.
    pub fn gateway(&self) -> Result<Http, Error> {
        Http::new(Session::signed_in(&self.home)?.live, self.patience)
    }

    /// Sends a request and returns its answer, whatever its status.
    ///
    /// # Errors
    /// No answer comes, or the session has ended.
    pub async fn send(&self, ask: &Ask) -> Result<Answered, Error> {
        let token = self.token(None).await?;
        let answered = self.http.send(&ask.bearer(&token)).await?;
        if answered.status != 401 {
            return Ok(answered);
        }
        let token = self.token(Some(&token)).await?;
        let answered = self.http.send(&ask.bearer(&token)).await?;
        match answered.status {
            401 => Err(Error::SessionEnded),
            _ => Ok(answered),
        }
    }

    /// The items of all pages of a list, up to `most`.
    ///
    /// # Errors
    /// The server refuses, or cannot be reached.
    pub async fn list(&self, path: &str, most: usize) -> Result<Vec<Value>, Error> {
        #[derive(Deserialize)]
        struct Page {
            items: Vec<Value>,
            next_cursor: Option<String>,
        }
        let mut items = Vec::new();
        let mut next = format!("{path}?limit={}", most.min(200));
        loop {
            let page: Page = self.send(&Ask::get(next)).await?.expect(200)?;
            items.extend(page.items);
            match page.next_cursor {
                Some(cursor) if items.len() < most => {
                    next = format!("{path}?limit=200&cursor={}", escape(&cursor));
                }
                _ => break,
            }
        }
        items.truncate(most);
        Ok(items)
    }

    /// An access token that is good for now, other than the one that was refused. One process at a time refreshes, so a refresh token is
    /// used once; the others find the new tokens in the file.
    async fn token(&self, refused: Option<&str>) -> Result<String, Error> {
        let usable =
            |tokens: &Tokens| !tokens.is_stale() && Some(tokens.access_token.as_str()) != refused;
        let read = || {
            let session = Session::signed_in(&self.home)?;
            let tokens = session.tokens.clone().ok_or(Error::SessionEnded)?;
            Ok::<_, Error>((session, tokens))
        };
        let (_, tokens) = read()?;
        if usable(&tokens) {
            return Ok(tokens.access_token);
        }
        let _lock = self.home.lock_session(REFRESH_PATIENCE).await?;
        let (mut session, tokens) = read()?;
        if usable(&tokens) {
            return Ok(tokens.access_token);
        }
        let answered = self.refresh(&tokens.refresh_token).await?;
        if answered.status == 401 {
            session.tokens = None;
            session.write(&self.home)?;
            return Err(Error::SessionEnded);
        }
        let tokens: Tokens = answered.expect::<Issued>(200)?.into();
        let token = tokens.access_token.clone();
        session.tokens = Some(tokens);
        session.write(&self.home)?;
        Ok(token)
    }

    /// Sends a refresh token. If its answer is lost, the token is used up all the same, and soon the server would take it for stolen. So it
    /// is sent again at once.
    async fn refresh(&self, token: &str) -> Result<Answered, Error> {
        let ask = Ask::post("/api/auth/refresh", Some(json!({"refresh_token": token})));
        let mut answered = self.http.send(&ask).await;
        for _ in 1..REFRESH_ATTEMPTS {
            let is_lost =
                matches!(&answered, Err(Error::Unreachable { connected, .. }) if *connected);
            if !is_lost {
                break;
            }
            answered = self.http.send(&ask).await;
        }
        answered
    }
}

/// Percent-encodes a value for a query.
pub fn escape(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}
