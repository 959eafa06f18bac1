//! Configurations of Eppo, in both formats: what is compiled is evaluated for a subject.
#![no_main]

use expt_assign::compat::eppo::{Experiments, Flags, ValueType};
use expt_assign::Snapshot;
use expt_assign::compat::import::ImportOptions;
use expt_core::Timestamp;
use expt_fuzz::{keys, object, parts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some([document, attributes]) = parts(input) else { return };
    let attributes = object(attributes);
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let known = keys(document, "flags");
    match Flags::from_json(document) {
        Ok(flags) => {
            let options = ImportOptions::new("shop", "key", 1).with_now(now);
            let import = flags.import(&options).expect("an import always compiles");
            assert!(Snapshot::compile(import.config).is_ok());
            for key in &known {
                let evaluated = flags.evaluate(key, "u-1", &attributes, None, now);
                let explained = flags.explain(key, "u-1", &attributes, None, now);
                assert!(!explained.code().is_empty());
                if let Ok(assignment) = evaluated {
                    let _ = assignment.value.to_json();
                }
            }
        }
        Err(error) => drop(error.to_string()),
    }
    match Experiments::from_json(document) {
        Ok(experiments) => {
            for key in &known {
                let _ = experiments.evaluate(key, "u-1", &attributes, ValueType::String);
            }
        }
        Err(error) => drop(error.to_string()),
    }
});
