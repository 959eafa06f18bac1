//! The same model in both arms, for many seeds: how often does the platform see a winner where there is none?

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use expt::analysis::{Analysis, Verdict};
use expt::core::Share;
use expt::serve::{LoadFor, Loader, ModelSet};
use expt::store::blocking::wait;
use expt::store::{EventScan, EventStoreExt, MemoryEvents, Stores};
use expt_examples::ml::Model;

use crate::args::Args;
use crate::online::{DAY, DAYS, HOUR, Replay, USERS, plan};
use crate::serving::{Scorer, pinned};
use crate::setting::Setting;
use crate::traffic::Traffic;
use crate::{chapter, offline};

pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    println!(
        "expt: placebo, the champion in both arms (training seed {}, online seeds 1 to {})",
        args.seed, args.seeds
    );
    let setting = Setting::new(Stores::memory(), args.seed)?;
    let champion = offline::champion(&setting)?;
    let loader = Loader::new(&setting.stores, setting.pin(&setting.pipeline)?);
    let deployment = wait(loader.load(&champion.model, champion.version, LoadFor::Showing))?;
    // Every answer is the model's; it is asked once for each wine, and not again for each of the requests.
    let model = Model::from_bytes(deployment.bytes())?.with_pipeline(setting.pipeline.clone());
    let scores = model.score_all(&setting.split.online)?;
    let scorer: Scorer =
        Arc::new(move |row, _| scores.get(row).copied().ok_or_else(|| "no such wine".into()));
    let models = ModelSet::new(deployment, scorer)?;

    chapter("The replays");
    let binding = pinned(&champion);
    let sealed = plan(&setting, [("champion", binding.clone()), ("challenger", binding)])?;
    let (next, shipped, stopped, invalid) =
        (AtomicU64::new(1), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let work = || -> Result<(), String> {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > args.seeds {
                return Ok(());
            }
            // Salts and crowd come from the online seed; model and wines stay.
            let own = setting.with_online_seed(seed);
            match replay(&own, &sealed, &models).map_err(|error| format!("seed {seed}: {error}"))? {
                Verdict::Ship => shipped.fetch_add(1, Ordering::Relaxed),
                Verdict::Stop => stopped.fetch_add(1, Ordering::Relaxed),
                Verdict::Invalid => invalid.fetch_add(1, Ordering::Relaxed),
                _ => 0,
            };
        }
    };
    std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a replay panicked".to_owned())?)
    })?;

    let shipped = shipped.into_inner();
    println!("{} replays of {USERS} users, a look a day for up to three weeks:", args.seeds);
    println!("  declared a winner      {shipped:>4}");
    println!("  declared harm          {:>4}", stopped.into_inner());
    println!("  declared invalid (SRM) {:>4}", invalid.into_inner());
    println!("~ done in {:.1} s", begun.elapsed().as_secs_f64());
    // The smallest count whose binomial tail at 5 % is below 0.6 %: 18 of 200.
    let allowed = bound(args.seeds);
    if shipped > allowed {
        return Err(format!(
            "{shipped} winners where there is none; at most {allowed} of {} are allowed",
            args.seeds
        )
        .into());
    }
    println!("at most {allowed} winners are allowed (99.4 % binomial bound at 5 %): passed");
    Ok(())
}

/// One test, over before it is read: a look sees what was known at its time, so reading later sees the same.
fn replay(
    setting: &Setting,
    sealed: &expt::core::SealedPlan,
    models: &ModelSet<Scorer>,
) -> Result<Verdict, Box<dyn Error>> {
    let stores = Stores { events: Arc::new(MemoryEvents::new()), ..setting.stores.clone() };
    let start = setting.pass(Duration::ZERO);
    let traffic = Traffic { seed: setting.seed, start, users: USERS };
    let mut replay = Replay::new(setting, &stores, sealed, models)?;
    let mut ramped = false;
    for visit in &traffic.visits(setting.split.online.rows.len())? {
        if !ramped && visit.at >= start + DAY + HOUR {
            replay.ramp(Share::ALL)?;
            ramped = true;
        }
        replay.visit(visit)?;
    }
    replay.report_until(expt::core::Timestamp::MAX);
    wait(replay.events.flush())?;
    let analysis = Analysis::new(sealed, wait(stores.events.scan_all(&EventScan::all()))?)?;
    for day in 1..=DAYS {
        match analysis.verdicts(start + DAY * day + HOUR)?.first() {
            Some(Verdict::Continue) | None => {}
            Some(verdict) => return Ok(*verdict),
        }
    }
    Ok(Verdict::Inconclusive)
}

/// The smallest `k` with P(X <= k) >= 0.994 for X ~ Binomial(n, 0.05).
fn bound(n: u64) -> u64 {
    let (mut term, mut total) = (0.95_f64.powf(n as f64), 0.0);
    for k in 0..=n {
        total += term;
        if total >= 0.994 {
            return k;
        }
        term *= (n - k) as f64 / (k + 1) as f64 * (0.05 / 0.95);
    }
    n
}
