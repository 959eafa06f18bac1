//! Cases of the family `evalues`.

use super::case::{Answer, Fault, Input};

pub(super) fn answer(function: &str, input: &Input<'_>) -> Answer {
    match function {
        "e_lond" => super::online_fdr::e_lond(input),
        _ => Err(Fault::Unknown),
    }
}
