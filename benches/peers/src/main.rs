//! Measures the peers: a JSON line each, with `peer`, `what` (`one` experiment of 100, or `all` of them for one
//! user), `ns` and `allocations`. Run by `expt-benches -- assign --peers`.
//!
//! Every peer has 100 experiments, each with all traffic and two equal arms, without targeting. Contexts are made
//! beforehand. A peer whose arms do not come out about equal was not asked rightly, and fails the run.

#[path = "../../src/assign/method.rs"]
mod method;

mod eppo;
mod growthbook;
mod launchdarkly;
mod unleash;

use std::error::Error;
use std::hint::black_box;

use serde_json::json;

use method::{EXPERIMENTS, allocations, ids, nanoseconds};

fn main() -> Result<(), Box<dyn Error>> {
    let ids = ids();
    unleash::run(&ids)?;
    eppo::run(&ids)?;
    launchdarkly::run(&ids)?;
    growthbook::run(&ids)
}

/// Measures one peer: `treated` evaluates an experiment for a user and says whether it gets the second arm.
fn report<U>(
    peer: &str,
    names: &[String],
    users: &[U],
    treated: impl Fn(&str, &U) -> bool,
) -> Result<(), Box<dyn Error>> {
    for name in names {
        let share = users.iter().filter(|user| treated(name, user)).count() as f64 / users.len() as f64;
        if (share - 0.5).abs() > 0.1 {
            return Err(
                format!("{peer} gives {share} of the users the second arm of {name:?}, not half").into()
            );
        }
    }
    let one = names.first().ok_or("no experiment")?;
    let ask_one = || {
        for user in users {
            black_box(treated(black_box(one), black_box(user)));
        }
    };
    // A tenth of the users: a pass over all of them takes longer than a round should.
    let some = users.get(..users.len() / 10).unwrap_or(users);
    let ask_all = || {
        for user in some {
            for name in names {
                black_box(treated(black_box(name), black_box(user)));
            }
        }
    };
    let line = |what: &str, ns: f64, allocations: f64| {
        println!("{}", json!({ "peer": peer, "what": what, "ns": ns, "allocations": allocations }));
    };
    line("one", nanoseconds(users.len(), ask_one), allocations(users.len(), ask_one));
    line("all", nanoseconds(some.len(), ask_all), allocations(some.len(), ask_all));
    Ok(())
}

/// The names of the experiments.
fn names() -> Vec<String> {
    (0..EXPERIMENTS).map(|index| format!("experiment-{index}")).collect()
}
