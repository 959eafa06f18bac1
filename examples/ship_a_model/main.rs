//! One command carries a model from a training run to a decision.
//!
//! A wine shop recommends a wine if its model believes that tasters would rate it 6 or better. A first model goes
//! to production; a study searches a better one; the best child is staged, verified, run in the shadow, tested
//! against the champion on sealed terms, and shipped or not by what the data say. Data, models, artifacts,
//! outcomes and verdict are real; only the customers are simulated: each asks about held-out wines, and learns
//! later what the tasters said.
//!
//! ```text
//! cargo run --release --example ship_a_model                     # the story, about 15 seconds
//! cargo run --release --example ship_a_model -- --seed 11        # another split, search and crowd
//! cargo run --release --example ship_a_model -- --placebo        # the same model in both arms, 200 times
//! ```
//!
//! Lines that begin with `~` hold what a second run may print otherwise: times, latencies, paths.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that tells a story")]

mod args;
mod offline;
mod online;
mod placebo;
mod serving;
mod setting;
mod traffic;
mod verdict;

use std::error::Error;
use std::time::Instant;

use expt::store::Stores;

use args::Args;
use setting::Setting;

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse(std::env::args().skip(1))?;
    if args.placebo {
        return placebo::run(&args);
    }
    let begun = Instant::now();
    args.clear_store()?;
    let stores = Stores::open(&args.store)?;
    let setting = Setting::new(stores, args.seed)?;

    println!("expt: ship a model (seed {})", args.seed);
    let offline = offline::run(&setting)?;
    let served = serving::run(&setting, &offline, &args.store)?;
    let shadow = serving::shadow(&setting, &offline, &served)?;
    let test = online::run(&setting, &offline, &served)?;
    let report = args.store.join("report.html");
    verdict::run(&setting, &offline, &test, shadow.facts(), &report)?;

    println!();
    println!("~ store:  {}", args.store.display());
    println!("~ report: {}", report.display());
    println!("~ look inside: cargo run --release --example inspect -- {}", args.store.display());
    println!("~ done in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// A chapter of the story.
fn chapter(title: &str) {
    println!("\n== {title}");
}
