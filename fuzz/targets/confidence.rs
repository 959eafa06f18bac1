//! States of Confidence, in both forms: what is compiled is resolved for a context.
#![no_main]

use expt_assign::compat::confidence::{Context, Dialect, Request, State};
use expt_fuzz::parts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some([document, context]) = parts(input) else { return };
    let context = Context::from_json(context).unwrap_or_default();
    for state in [State::from_json(document), State::from_resolver_state(document, "shop")] {
        let state = match state {
            Ok(state) => state,
            Err(error) => {
                drop(error.to_string());
                continue;
            }
        };
        for dialect in [Dialect::Local, Dialect::Service] {
            let request = Request::new("secret", &context).with_dialect(dialect);
            let _ = state.resolve(&request, &[]);
            let _ = state.resolve(&request, &["flags/a", "flags/missing"]);
        }
    }
});
