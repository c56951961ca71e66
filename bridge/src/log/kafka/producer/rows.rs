//! The rows of a claim, as the outbox has them.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::log::{CLAIM_BYTES, Claim, Rows};
use crate::postgres::Session;

/// Reads the rows of a claim.
pub(super) async fn read(session: &Session, claim: Claim<'_>) -> anyhow::Result<Vec<Row>> {
    let Claim {
        shards,
        topics,
        held_users,
        rows,
    } = claim;
    match rows {
        Rows::From { first, limit } => {
            let limit = i64::from(limit);
            let parameters: [&(dyn ToSql + Sync); 6] =
                [&shards, &topics, &held_users, &first, &limit, &CLAIM_BYTES];
            session
                .query(include_str!("read_outbox.sql"), &parameters)
                .await
        }
        Rows::Only(id) => {
            session
                .query(
                    include_str!("read_outbox_row.sql"),
                    &[&shards, &topics, &id],
                )
                .await
        }
    }
}

/// True if the rows reach a limit of the claim.
pub(super) fn is_cut_off(rows: &[OutboxRow<'_>], claim: Rows) -> bool {
    let Rows::From { limit, .. } = claim else {
        return false;
    };
    let bytes: usize = rows.iter().map(|row| row.event.len()).sum();
    i64::try_from(rows.len()).is_ok_and(|rows| rows >= i64::from(limit))
        || i64::try_from(bytes).is_ok_and(|bytes| bytes >= CLAIM_BYTES)
}

/// A row of `read_outbox.sql`.
pub(super) struct OutboxRow<'a> {
    pub id: i64,
    pub topic: &'a str,
    pub user: Uuid,
    pub event_id: Uuid,
    pub event: &'a str,
}

impl<'a> OutboxRow<'a> {
    pub fn of(row: &'a Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            topic: row.try_get(1)?,
            user: row.try_get(2)?,
            event_id: row.try_get(3)?,
            event: row.try_get(4)?,
        })
    }
}
