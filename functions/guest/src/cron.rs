//! Entry point of the cron trigger. No published crate contains the interface `fermyon:spin-cron@2.0.0`, so it is written out here.

/// Makes the crate a component that the cron trigger can invoke. The argument is the function that a run calls. A run that fails is no
/// error of the trigger, because the next one does the same.
///
/// The crate depends on `wit-bindgen`, and calls this in its WebAssembly build alone.
#[macro_export]
macro_rules! cron_component {
    ($run:path) => {
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
            fn handle_cron_event(_: Metadata) -> Result<(), Error> {
                $run();
                Ok(())
            }
        }

        export!(Cron);
    };
}
