//! Whether the mix of `expt-assign` can be told from random bits.
//!
//! A cell is a million ids of one kind under one set of keys. Its statistics are shares: how many of its
//! tables have p < 0.01 in a chi-square test. The same code counts the same tables on random bits, many
//! times, which says where such a share lies; theory alone does not, because tables that have a column in
//! common are not independent of each other.

mod bits;
mod count;
mod design;
mod ids;
mod source;
mod table;

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use expt::assign::mix::{UnitDigest, UnitHash, Xmix1};
use expt::core::UnitKind;
use expt::stats::StatsError;

use self::design::{Design, EPOCHS, LAYERS};
use self::ids::KINDS;
use self::source::{Broken, Mixed, RandomBits, fnv1a};
use self::table::Bounds;
use crate::compare::{Band, Statistic, judge, list, show};
use crate::{Scale, Verdict, parallel};

/// How much is computed.
struct Plan {
    ids: usize,
    salts: usize,
    replicates: usize,
    /// One of how many ids the subtle control leaves unmixed.
    leak: u64,
}

/// Layers against layers, with controls.
pub(crate) fn mix(scale: Scale) -> Verdict {
    let (plan, design) = match scale {
        Scale::Full => (Plan { ids: 1_000_000, salts: 50, replicates: 200, leak: 2_000 }, LAYERS),
        Scale::Quick => (Plan { ids: 20_000, salts: 4, replicates: 40, leak: 50 }, LAYERS.reduced()),
    };
    let (statistics, bounds) = measure(&plan, &design)?;
    let judged = judge(&statistics[..2])?;
    println!("\nSingle columns, by the same marks:");
    let uniform = judge(&statistics[2..])?;
    let controlled = controls(&plan, &design, &statistics, &bounds)?;
    if scale == Scale::Full {
        list(&statistics);
    }
    Ok(judged && uniform && controlled)
}

/// What else has a key: successive epochs of one experiment, arms and layers, holdouts and both.
pub(crate) fn epochs(scale: Scale) -> Verdict {
    let (plan, design) = match scale {
        Scale::Full => (Plan { ids: 1_000_000, salts: 25, replicates: 200, leak: 2_000 }, EPOCHS),
        Scale::Quick => (Plan { ids: 20_000, salts: 4, replicates: 40, leak: 50 }, EPOCHS.reduced()),
    };
    let (statistics, _) = measure(&plan, &design)?;
    let judged = judge(&statistics)?;
    if scale == Scale::Full {
        list(&statistics);
    }
    Ok(judged)
}

/// One cell.
enum Job {
    Mixed { hash: UnitHash, kind: usize, salt: usize },
    Random { replicate: u64 },
}

fn measure(plan: &Plan, design: &Design) -> Result<(Vec<Statistic>, Bounds), StatsError> {
    let bounds = Bounds::new()?;
    let ids = KINDS.map(|(_, make)| make(plan.ids));
    let mixed = |hash, salts| {
        (0..salts).flat_map(move |salt| (0..KINDS.len()).map(move |kind| Job::Mixed { hash, kind, salt }))
    };
    // A tenth of the salt sets again with the other digest.
    let comparison = plan.salts.div_ceil(10);
    let random = (0..plan.replicates as u64).map(|replicate| Job::Random { replicate });
    let jobs: Vec<Job> = random
        .chain(mixed(UnitHash::SipHash13, plan.salts))
        .chain(mixed(UnitHash::Blake3, comparison))
        .collect();
    let names = design.statistics();
    println!(
        "{} ids, {} columns, {} kinds of id x {} salt sets, {} replicates of random bits",
        plan.ids,
        design.columns(),
        KINDS.len(),
        plan.salts,
        plan.replicates
    );
    for (name, tables) in &names {
        println!("  {name}: {tables} tables a cell");
    }
    let cells = parallel::map(&jobs, |job| match *job {
        Job::Mixed { hash, kind, salt } => {
            // Every cell has a project key, and with it keys and tables, of its own.
            let (kind_name, _) = KINDS[kind];
            let project = Xmix1::new(&format!("{}, {kind_name}, salt set {salt}", design.name), hash);
            let digests = digests(&project, &ids[kind]);
            let tables = design.tables(plan.ids, (1 + kind * plan.salts + salt) as u64);
            let keys = design.keys(&project);
            tables.shares(&mut Mixed { digests: &digests, keys: &keys }, &bounds)
        }
        Job::Random { replicate } => {
            let tables = design.tables(plan.ids, 1_000_000 + replicate);
            tables.shares(&mut RandomBits::new(replicate), &bounds)
        }
    });
    let (random, rest) = cells.split_at(plan.replicates);
    let (siphash, blake3) = rest.split_at(plan.salts * KINDS.len());
    let statistics = names.into_iter().enumerate().map(|(index, (name, _))| {
        let of = |cells: &[Vec<f64>]| cells.iter().map(|shares| shares[index]).collect::<Vec<_>>();
        let tested = KINDS.iter().enumerate().map(|(kind, (name, _))| {
            (*name, of(siphash).into_iter().skip(kind).step_by(KINDS.len()).collect())
        });
        Statistic { name, random: of(random), tested: tested.collect(), compared: of(blake3) }
    });
    Ok((statistics.collect(), bounds))
}

fn digests(project: &Xmix1, ids: &[String]) -> Vec<UnitDigest> {
    let Ok(kind) = UnitKind::new("user") else { return Vec::new() };
    let key = project.unit(&kind);
    ids.iter().map(|id| key.digest(id)).collect()
}

/// Mixes that are broken must be outside the bands, or the bands say nothing.
fn controls(plan: &Plan, design: &Design, statistics: &[Statistic], bounds: &Bounds) -> Verdict {
    let ids = (KINDS[1].1)(plan.ids);
    let project = Xmix1::new("controls", UnitHash::SipHash13);
    let digests = digests(&project, &ids);
    let keys = design.keys(&project);
    let mut rng = ChaCha12Rng::seed_from_u64(13);
    let flips: Vec<u64> = keys.iter().map(|_| rng.next_u64()).collect();
    let states: Vec<u32> = ids.iter().map(|id| fnv1a(0x811c_9dc5, id)).collect();
    let salts: Vec<String> = (0..keys.len()).map(|column| format!("exp_{column}")).collect();

    let flipped = |column: usize, id: usize| digests[id].words()[0] ^ flips[column];
    let suffixed =
        |column: usize, id: usize| u64::from(fnv1a(states[id], &salts[column]) % 1000) * (u64::MAX / 1000);
    let leaky = |column: usize, id: usize| match digests[id].words() {
        [a, b] if a % plan.leak == 0 => b,
        _ => keys[column].place(digests[id]),
    };
    let jobs = [0, 1, 2];
    let tables = design.tables(plan.ids, 999);
    let cells = parallel::map(&jobs, |job| match job {
        0 => tables.shares(&mut Broken(flipped), bounds),
        1 => tables.shares(&mut Broken(suffixed), bounds),
        _ => tables.shares(&mut Broken(leaky), bounds),
    });
    println!("\nControls, each of which must be outside both bands:");
    let leak = format!("one id in {} in the same bucket of all layers", plan.leak);
    let names = ["a ^ key, not mixed", "fnv1a32(id || salt) % 1000", &leak];
    let mut caught = true;
    for (name, shares) in names.iter().zip(cells) {
        let mut found = true;
        for (statistic, share) in statistics[..2].iter().zip(&shares) {
            found &= !Band::of(&statistic.random)?.holds(*share);
        }
        println!(
            "  {name}: pairs {}, fives {}: {}",
            show(shares[0]),
            show(shares[1]),
            if found { "caught" } else { "NOT CAUGHT" }
        );
        caught &= found;
    }
    Ok(caught)
}
