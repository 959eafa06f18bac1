#![doc = include_str!("FORMAT.md")]

mod decode;
mod encode;
mod frame;
mod name;
mod options;
mod position;
mod reader;
mod record;
mod report;
mod store;
mod wire;
mod writer;

pub use options::SegmentOptions;
pub use reader::read_segment;
pub use report::SegmentReport;
pub use store::SegmentStore;

pub(crate) use position::tokens;
