//! `spindle sync`.

use std::process::ExitCode;

use serde_json::json;

use super::code;
use crate::app::App;
use crate::failure::Failure;

pub async fn sync(app: &mut App<'_>) -> Result<ExitCode, Failure> {
    let waiting = app.device.engine().pending().len();
    app.device.take_news();
    let api = app.api()?;
    let rejected = app.sync(&api).await?;
    let changed = app.device.take_news().len();
    let left = app.device.engine().pending().len();
    let sent = waiting.saturating_sub(left);
    let result = json!({"sent": sent, "changed": changed, "pending": left});
    app.output.result(&result, || match (sent, changed) {
        (0, 0) => "nothing new".to_owned(),
        _ => format!("{sent} sent, {changed} changed here"),
    })?;
    Ok(code(rejected))
}
