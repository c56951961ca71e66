//! The cron trigger does what a tick does.

use guest::logging;

use crate::tick;

fn run() {
    if let Err(error) = tick::work() {
        logging::warn("cannot fire reminders now")
            .chain(&error)
            .write();
    }
}

guest::cron_component!(run);
