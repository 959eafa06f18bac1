//! The least that assigns: it reads a config and says what a user gets. `expt-benches -- assign` compares its size
//! with that of `size-without`.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::error::Error;

use expt::assign::{Config, Context, Snapshot};
use expt::core::{DecisionPoint, Timestamp, UnitKind};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (path, id) =
        arguments.next().zip(arguments.next()).ok_or("give the file of a config and the id of a user")?;
    let snapshot = Snapshot::compile(Config::from_json(std::fs::read(path)?)?)?;
    let point = snapshot.decision_point(&DecisionPoint::new("ranker")?).ok_or("no decision point ranker")?;
    let unit = snapshot.unit(&UnitKind::new("user")?, id.as_str())?;
    let assignment = snapshot.assign(&unit, point, &Context::new(Timestamp::from_micros(0)));
    println!("{id:?} {} {:?}", assignment.reason(), assignment.binding());
    Ok(())
}
