//! Entry point of the cron trigger. No published crate contains the interface `fermyon:spin-cron@2.0.0`, so it is written out here.

use guest::logging;

use crate::api::Api;
use crate::tick;

wit_bindgen::generate!({
    inline: "
        package fermyon:spin-cron@2.0.0;
        interface cron-types {
            record metadata { timestamp: u64 }
            variant error { other(string) }
        }
        world spin-cron {
            use cron-types.{metadata, error};
            export handle-cron-event: func(metadata: metadata) -> result<_, error>;
        }
    ",
});

struct Cron;

impl Guest for Cron {
    /// A run that fails is no error of the trigger: the next one does the same.
    fn handle_cron_event(_: Metadata) -> Result<(), Error> {
        if let Err(error) = Api::open().and_then(|api| tick::work(&api)) {
            logging::warn("cannot look for missing occurrences now")
                .chain(&error)
                .write();
        }
        Ok(())
    }
}

export!(Cron);
