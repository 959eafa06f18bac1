//! A program without expt; see `size-with`.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (path, id) =
        arguments.next().zip(arguments.next()).ok_or("give the file of a config and the id of a user")?;
    let text = std::fs::read(path)?;
    println!("{id:?} {}", text.len());
    Ok(())
}
