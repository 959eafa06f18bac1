//! The metadata suite on the store in memory.

use std::sync::Arc;

use expt_store::MemoryStore;
use expt_store::testkit::{MetadataHarness, Opened};

struct Memory;

impl MetadataHarness for Memory {
    fn open(&self) -> Opened {
        Opened::new(MemoryStore::new(), Arc::new(()))
    }

    fn handle(&self, opened: &Opened) -> Opened {
        opened.clone()
    }

    fn reopen(&self, opened: Opened) -> Opened {
        opened
    }
}

expt_store::metadata_conformance!(Memory);
