//! The cron trigger: six fields with seconds, in UTC; runs may overlap.
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result};
use chrono::Utc;
use cron::Schedule;
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::guest::Function;
use crate::manifest::CronTrigger;

/// The export of world `spin-cron` in `fermyon:spin-cron@2.0.0`, whose WIT no package in the registry carries.
const EXPORT: &str = "handle-cron-event";

#[derive(ComponentType, Lower)]
#[component(record)]
struct Metadata {
    /// Seconds since 1970 when it fired, not when it was due.
    timestamp: u64,
}

#[derive(Debug, ComponentType, Lift)]
#[component(variant)]
enum Failure {
    #[component(name = "other")]
    Other(String),
}

pub fn schedule(trigger: &CronTrigger) -> Result<Schedule> {
    Schedule::from_str(&trigger.cron_expression).with_context(|| {
        format!(
            "`{}` is no cron expression with six fields",
            trigger.cron_expression
        )
    })
}

/// Fires until the schedule ends, which most never do.
pub async fn tick(schedule: Schedule, function: Arc<Function>) -> Result<()> {
    println!("Firing {} on {schedule}", function.name);
    for due in schedule.upcoming_owned(Utc) {
        if let Ok(wait) = (due - Utc::now()).to_std() {
            tokio::time::sleep(wait).await;
        }
        let function = function.clone();
        tokio::spawn(async move {
            if let Err(error) = invoke(&function).await {
                tracing::error!(component = %function.name, "a cron run failed: {error:#}");
            }
        });
    }
    std::future::pending().await
}

async fn invoke(function: &Function) -> Result<()> {
    let (mut store, instance) = function.instantiate().await?;
    let export =
        instance.get_typed_func::<(Metadata,), (Result<(), Failure>,)>(&mut store, EXPORT)?;
    let metadata = Metadata {
        timestamp: Utc::now().timestamp().try_into()?,
    };
    let (outcome,) = export.call_async(&mut store, (metadata,)).await?;
    outcome.map_err(|Failure::Other(reason)| {
        anyhow::anyhow!("the function returned an error: {reason}")
    })
}
