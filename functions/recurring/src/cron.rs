//! The cron trigger does what a tick does.

use guest::logging;

use crate::api::Api;
use crate::tick;

fn run() {
    if let Err(error) = Api::open().and_then(|api| tick::work(&api)) {
        logging::warn("cannot look for missing occurrences now")
            .chain(&error)
            .write();
    }
}

guest::cron_component!(run);
