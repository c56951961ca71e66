//! Exchanges with the server: what the engine wants to send is saved, sent, and its answer taken in, until nothing is due.

use std::time::Duration;

use client::answer::{Answer, Call};
use http::header::{ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};

use crate::api::{Api, escape};
use crate::device::{Device, now};
use crate::error::Error;
use crate::http::{Answered, Ask};

/// The note that has the entity tag of the last page, with the cursor that it belongs to.
const TAG: &str = "entity tag";
/// The note that has the day on which old tombstones and notifications were forgotten.
const TIDIED_ON: &str = "tidied on";
/// The note that says when all changes of the server were here.
pub const SYNCED_AT: &str = "synced at";

/// Sends what waits and fetches what is new. One process at a time does it.
///
/// # Errors
/// The server refuses or cannot be reached, or another process takes longer than `patience`. What was not sent is sent by the next exchange.
pub async fn exchange(device: &mut Device, api: &Api, patience: Duration) -> Result<(), Error> {
    let _lock = device.home().lock_exchange(patience).await?;
    let mut pulled = false;
    while let Some(request) = device.next_request()? {
        let answer = ask(device, api, &request.call).await;
        if let Err(error) = answer.and_then(|answer| device.answer(request.number, answer)) {
            device.give_up(request.number);
            return Err(error);
        }
        pulled |= matches!(request.call, Call::Pull { .. });
    }
    if pulled {
        let now = now();
        let today = now.get(..10).unwrap_or_default();
        if device.note(TIDIED_ON)?.as_deref() != Some(today) {
            device.forget_old()?;
            device.write_note(TIDIED_ON, today)?;
        }
        device.write_note(SYNCED_AT, &now)?;
    }
    Ok(())
}

async fn ask(device: &mut Device, api: &Api, call: &Call) -> Result<Answer, Error> {
    match call {
        Call::Pull { cursor } => pull(device, api, cursor.as_deref()).await,
        Call::Push { operations } => {
            let body = json!({ "operations": operations });
            let answered = api.send(&Ask::post("/api/sync", Some(body))).await?;
            match (answered.status, answered.document()) {
                (200, _) => Ok(Answer::Results(answered.expect(200)?)),
                // Only Spindle itself can say that a batch is wrong; what a proxy thinks of it is no reason to give an edit up. But both may find
                // it too large, and then a smaller one helps.
                (400 | 413 | 422, Some(problem)) => Ok(Answer::Refused(problem)),
                (413, None) if operations.len() > 1 => Ok(Answer::Refused(Value::Null)),
                _ => Err(answered.problem()),
            }
        }
    }
}

async fn pull(device: &mut Device, api: &Api, cursor: Option<&str>) -> Result<Answer, Error> {
    let Some(cursor) = cursor else {
        let answered = api.send(&Ask::get("/api/sync")).await?;
        return page(device, &answered);
    };
    let mut ask = Ask::get(format!("/api/sync?cursor={}", escape(cursor)));
    let noted = device.note(TAG)?.unwrap_or_default();
    if let Some((tag, _)) = noted.split_once(' ').filter(|(_, of)| *of == cursor) {
        ask = ask.header(IF_NONE_MATCH, tag);
    }
    let answered = api.send(&ask).await?;
    match answered.status {
        304 => Ok(Answer::Unchanged),
        410 | 422 if answered.document().is_some() => Ok(Answer::Resync),
        _ => page(device, &answered),
    }
}

fn page(device: &mut Device, answered: &Answered) -> Result<Answer, Error> {
    let page: client::answer::Page = answered.expect(200)?;
    let tag = answered.headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    // In the middle of pages that belong together, "nothing is new" would not mean that all is here.
    if let Some(tag) = tag.filter(|_| !page.more) {
        device.write_note(TAG, &format!("{tag} {}", page.cursor))?;
    }
    Ok(Answer::Page(page))
}
