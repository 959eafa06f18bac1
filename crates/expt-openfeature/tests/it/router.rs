//! With the router and the queue of `expt-serve`.

use std::sync::Arc;

use expt_assign::{Deduplicate, ExposureSink, Full, Pushed, Snapshot};
use expt_core::{Event, Exposure, LayerId};
use expt_openfeature::Provider;
use expt_serve::{EventQueue, Overflow, Router};
use expt_store::Stores;
use expt_store::blocking::wait;

use crate::common::{all, client, config, now, unit};

struct ToQueue(Arc<EventQueue>);

impl ExposureSink for ToQueue {
    fn push(&self, _: &LayerId, exposure: Exposure) -> Result<Pushed, Full> {
        if self.0.push(Event::Exposure(exposure)) { Ok(Pushed::Taken) } else { Err(Full) }
    }
}

#[test]
fn a_swap_holds_from_the_next_evaluation_on() {
    let stores = Stores::memory();
    let events = Arc::new(EventQueue::start(&stores, 16, Overflow::Drop).unwrap());
    let router = Arc::new(Router::new(Snapshot::compile(config()).unwrap(), Arc::clone(&events)));
    let source = Arc::clone(&router);
    let provider = Provider::new(move || source.read()).with_clock(now);
    let hook = provider.exposure_hook(Deduplicate::new(ToQueue(Arc::clone(&events)), 1000));
    let client = client(provider).with_hook(hook);
    let context = unit("u-1");
    assert!(wait(client.get_int_value("page", Some(&context), None)).is_err());
    router.swap(Snapshot::compile(all()).unwrap());
    for _ in 0..2 {
        assert!(wait(client.get_int_value("page", Some(&context), None)).is_ok());
    }
    wait(events.flush()).unwrap();
    assert_eq!(events.stats().appended, 1);
}
