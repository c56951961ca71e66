//! The cron trigger: invokes functions on a schedule in UTC. Runs of one function may overlap, as on Spin.

use std::future;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use chrono::Utc;
use cron::Schedule;
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::function::Function;

/// The export of the world `spin-cron` in `fermyon:spin-cron@2.0.0`. No published crate contains the WIT of this
/// world, so its types are written out here.
const EXPORT: &str = "handle-cron-event";

#[derive(ComponentType, Lower)]
#[component(record)]
struct Metadata {
    /// When the trigger fired, not when it was due; in seconds since 1970.
    timestamp: u64,
}

#[derive(Debug, ComponentType, Lift)]
#[component(variant)]
enum Error {
    #[component(name = "other")]
    Other(String),
}

/// # Errors
/// When the expression does not have six valid fields, with seconds first.
pub fn parse_schedule(expression: &str) -> Result<Schedule> {
    Schedule::from_str(expression).with_context(|| {
        format!(
            "`cron_expression`: `{expression}` is invalid; expected six fields, with seconds first"
        )
    })
}

/// Invokes the function whenever it is due. Does not return, even after the last date of the schedule.
pub async fn fire(schedule: Schedule, function: Arc<Function>) -> Result<()> {
    println!("Firing {} on {schedule}", function.name());
    for due in schedule.upcoming_owned(Utc) {
        if let Ok(wait) = (due - Utc::now()).to_std() {
            tokio::time::sleep(wait).await;
        }
        let function = function.clone();
        tokio::spawn(async move {
            if let Err(error) = invoke(&function).await {
                tracing::error!(component = %function.name(), "a cron run failed: {error:#}");
            }
        });
    }
    future::pending().await
}

async fn invoke(function: &Function) -> Result<()> {
    let (mut store, instance) = function.instantiate().await?;
    let export =
        instance.get_typed_func::<(Metadata,), (Result<(), Error>,)>(&mut store, EXPORT)?;
    let metadata = Metadata {
        timestamp: Utc::now().timestamp().try_into()?,
    };
    let (outcome,) = export.call_async(&mut store, (metadata,)).await?;
    outcome.map_err(|Error::Other(reason)| anyhow!("the function returned an error: {reason}"))
}
