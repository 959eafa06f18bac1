//! Error rates over tests that arrive one after another, without an end: online FDR and online FWER.
//!
//! | setting | type |
//! |---|---|
//! | tests start and end at any time, p-values | [`OnlineFdr`] with a [`Procedure`] |
//! | the same with e-values, any dependence | [`ELond`] |
//! | tests arrive in batches that are judged together | [`BatchedFdr`] |
//!
//! Each is an incremental state that serialises: the level of a test is drawn when it starts and recorded
//! with it, and its result is recorded when it ends. [`OnlineFdr::run`] and its relatives feed whole lists.
//!
//! Which one? Across experiments that overlap in time and share users, [`ELond`] on anytime e-values or
//! [`Procedure::Lond`] with `dependent` hold under any dependence. With independent tests
//! [`Procedure::Saffron`] and [`Procedure::Addis`] have the most power, ADDIS if null p-values are
//! conservative. Defaults are those of Bioconductor's onlineFDR 2.19.

mod batch;
mod e_lond;
mod gamma;
mod lists;
mod procedure;
mod state;
mod wealth;

pub use batch::{BatchDecision, BatchProcedure, BatchedFdr};
pub use e_lond::ELond;
pub use gamma::{Gamma, GammaWeights};
pub use procedure::{Guarantee, Procedure};
pub use state::{DrawnLevel, OnlineDecision, OnlineFdr, TestNumber};
