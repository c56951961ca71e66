//! Indexes of large tables. `bridge migrate` creates those that are missing with CREATE INDEX CONCURRENTLY, which does not block the
//! writes of a running system. That command cannot run in a transaction, so a migration cannot contain it.

use anyhow::Context;
use tokio_postgres::Client;
use tracing::info;

/// An index. Its name begins with the name of its table.
struct Index {
    name: &'static str,
    table: &'static str,
    /// What follows the table in CREATE INDEX: the columns, and the condition if there is one.
    definition: &'static str,
}

const INDEXES: &[Index] = &[
    // Tombstones of one user, for the job of a deleted account.
    Index {
        name: "tasks_deleted",
        table: "tasks",
        definition: "(user_id, deleted_at, id) where deleted_at is not null",
    },
    // The oldest tombstones, for the sweep.
    Index {
        name: "tasks_tombstones",
        table: "tasks",
        definition: "(deleted_at) where deleted_at is not null",
    },
    // Lists of a status that few of a user's many tasks have, in an order in which they are far apart.
    Index {
        name: "tasks_status",
        table: "tasks",
        definition: "(user_id, status) where deleted_at is null",
    },
    // The order of titles.
    Index {
        name: "tasks_title_order",
        table: "tasks",
        definition: "(user_id, title collate title_order, id) where deleted_at is null",
    },
    // The order of completion, which ends with the tasks that are not completed.
    Index {
        name: "tasks_completed",
        table: "tasks",
        definition: "(user_id, coalesce(completed_at, '-infinity'), id) where deleted_at is null",
    },
    // What is most urgent, and of that what is due first.
    Index {
        name: "tasks_priority_due",
        table: "tasks",
        definition: "(user_id, array_position('{low,medium,high,urgent}', priority) desc, coalesce(due_at, 'infinity'), id) where deleted_at is null",
    },
    // Tags, by their keys. Tasks without tags are not in it.
    Index {
        name: "tasks_tags",
        table: "tasks",
        definition: "using gin (user_id, tag_keys) with (gin_pending_list_limit = 256) where deleted_at is null and tag_keys <> '{}'",
    },
    // What has changed since a number of the user's sequence, for clients that synchronise.
    Index {
        name: "tasks_seq",
        table: "tasks",
        definition: "(user_id, seq, id)",
    },
    Index {
        name: "series_seq",
        table: "series",
        definition: "(user_id, seq, id)",
    },
    Index {
        name: "reminders_seq",
        table: "reminders",
        definition: "(user_id, seq, id)",
    },
    Index {
        name: "notifications_seq",
        table: "notifications",
        definition: "(user_id, seq, id)",
    },
    // The filters of the audit trail, for one user and for all. The actor of most entries is the user, so where that is the filter, the
    // order of the list finds them.
    Index {
        name: "audit_logs_type",
        table: "audit_logs",
        definition: "(user_id, type, no)",
    },
    Index {
        name: "audit_logs_types",
        table: "audit_logs",
        definition: "(type, time, event_id)",
    },
    Index {
        name: "audit_logs_actor",
        table: "audit_logs",
        definition: "(user_id, actor_id, no) where actor_id <> user_id::text",
    },
    Index {
        name: "audit_logs_actors",
        table: "audit_logs",
        definition: "(actor_id, time, event_id)",
    },
    Index {
        name: "audit_logs_kind",
        table: "audit_logs",
        definition: "(user_id, actor_type, no) where actor_type <> 'user'",
    },
    Index {
        name: "audit_logs_kinds",
        table: "audit_logs",
        definition: "(actor_type, time, event_id) where actor_type <> 'user'",
    },
    // The messages that failed of late, for the bridge's metrics.
    Index {
        name: "deliveries_failed",
        table: "deliveries",
        definition: "(updated_at) where status = 'failed'",
    },
];

/// Creates the indexes that are missing.
///
/// A partitioned table gets its index at once, without those of its partitions; they are created one after the other and attached.
/// Partitions that are created meanwhile have it from the start. An index that an interrupted run has left unfinished is dropped.
///
/// # Errors
/// When Postgres refuses an index.
pub(super) async fn create(client: &Client) -> anyhow::Result<()> {
    for index in INDEXES {
        one(client, index)
            .await
            .with_context(|| format!("creating the index {}", index.name))?;
    }
    Ok(())
}

async fn one(client: &Client, index: &Index) -> anyhow::Result<()> {
    let Index {
        name,
        table,
        definition,
    } = index;
    let found = client
        .query(include_str!("missing_indexes.sql"), &[table, name])
        .await?;
    for row in found {
        let (part, own_name): (&str, &str) = (row.get(0), row.get(1));
        info!(
            index = own_name,
            table = part,
            "creating an index; writes go on"
        );
        let own = [
            format!("drop index concurrently if exists {own_name}"),
            format!("create index concurrently {own_name} on {part} {definition}"),
        ];
        let is_partition = part != *table;
        let parent = format!("create index if not exists {name} on only {table} {definition}");
        let attach = format!("alter index {name} attach partition {own_name}");
        let before = is_partition.then_some(parent);
        let after = is_partition.then_some(attach);
        for statement in before.into_iter().chain(own).chain(after) {
            client.batch_execute(&statement).await?;
        }
    }
    Ok(())
}
