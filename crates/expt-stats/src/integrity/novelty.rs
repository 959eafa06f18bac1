//! Novelty and primacy: does the effect change with the days since first exposure, and where does it settle?

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite, positive};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};
use crate::special::{gamma, normal};

use super::matrix::{Cholesky, dot};
use super::panel::DailyPanel;

/// Tests whether a treatment effect fades or grows with the time since first exposure, and estimates the
/// level at which it settles.
///
/// Estimand: with `effect(t)` the difference of means, treatment minus control, on day t since first
/// exposure, the plateau `c` of `effect(t) = c + a exp(-t / tau)`. A positive amplitude `a` is a novelty
/// effect (the average over the experiment overstates the plateau), a negative one a primacy effect.
///
/// Assumptions: independent users, both arms exposed by the same rule, enough users for normal daily means
/// (at least thirty per day of the panel in each arm), a change that is roughly exponential. Days of one user
/// may depend on each other in any way: their covariance is estimated and used (generalised least squares,
/// Aitken 1935), with variances enlarged for the estimation of that covariance by the factor of Rao (1967).
///
/// Test of `a = 0`: the greatest `|z(tau)|` over a grid of decay times. Since tau means nothing when `a = 0`,
/// the level is corrected by the bound of Davies (1977, 1987), which here is the tube formula of Hotelling
/// (1939): `p = 2 (Q(u) + kappa exp(-u^2 / 2) / (2 pi))`, with kappa the length in radians of the curve which
/// the unit vectors of the decays draw on the sphere. It needs no simulation and is an upper bound.
///
/// Plateau interval: the profile likelihood over amplitude and decay time, all `c` with
/// `Q(c) - min Q <= z^2`. It widens where the data cannot tell a slow decay from a lower plateau; the
/// interval that treats the best tau as known covers too seldom (93 % in the reference scenario, 70 to 85 %
/// without correlation between days).
///
/// Control users pass through the same days, so a calendar effect common to both arms cancels. If all users
/// came on one day, age and calendar cannot be told apart in the *effect*; with staggered entry
/// [`Novelty::cohorts`] compares the effect of early and late comers at the same age.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::integrity::{DailyPanel, NoveltyOutcome, NoveltyTest, Pattern};
///
/// // 100,000 users an arm over 14 days; variance 0.09, correlation 0.3 between days of a user.
/// let cell = |i, j| if i == j { 0.09 } else { 0.027 };
/// let covariance: Vec<Vec<f64>> = (0..14).map(|i| (0..14).map(|j| cell(i, j)).collect()).collect();
/// let effect = |day: i32| 0.002 + 0.01 * (-f64::from(day) / 3.0).exp();
/// let control = DailyPanel::from_summary(100_000, &[0.10; 14], &covariance)?;
/// let means: Vec<f64> = (0..14).map(|day| 0.10 + effect(day)).collect();
/// let treatment = DailyPanel::from_summary(100_000, &means, &covariance)?;
///
/// let test = NoveltyTest::new(Alpha::FIVE_PERCENT);
/// let NoveltyOutcome::Tested(found) = test.compare(&control, &treatment)? else {
///     panic!("all days vary");
/// };
/// assert_eq!(found.pattern, Pattern::Novelty);
/// assert!((found.plateau - 0.002).abs() < 1e-4 && found.average > 0.003);
/// assert!(found.interval.contains(0.002));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoveltyTest {
    alpha: Alpha,
    cohort: Cohort,
    decay: Option<(f64, f64)>,
}

impl NoveltyTest {
    /// Makes a two-sided test at `alpha` with a plateau interval of the same level.
    #[must_use]
    pub const fn new(alpha: Alpha) -> Self {
        Self { alpha, cohort: Cohort::Complete, decay: None }
    }

    /// Chooses the users.
    #[must_use]
    pub const fn with_cohort(mut self, cohort: Cohort) -> Self {
        self.cohort = cohort;
        self
    }

    /// Sets the range of decay times in days; without it, from one day to half the days in use.
    ///
    /// A decay slower than half the observed time is hardly distinguishable from a plateau: allowing it makes
    /// the interval honest about that, and wide.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] or [`StatsError::OutOfRange`] unless `0 < shortest <= longest`.
    pub fn with_decay_days(mut self, shortest: f64, longest: f64) -> Result<Self, StatsError> {
        let (shortest, value) = (positive("the shortest decay time", shortest)?, finite("days", longest)?);
        if value < shortest {
            let (what, allowed) = ("the longest decay time", "at least the shortest");
            return Err(StatsError::OutOfRange { what, value, allowed });
        }
        self.decay = Some((shortest, longest));
        Ok(self)
    }

    /// Runs the test on the leading days that have enough users in both arms, whatever their values.
    ///
    /// # Errors
    /// [`StatsError::Length`] if the panels differ in days; [`StatsError::TooFew`] if fewer than six days
    /// have thirty users per panel day in each arm; [`StatsError::Overflow`] if a variance leaves the range
    /// of `f64`.
    pub fn compare(
        &self,
        control: &DailyPanel,
        treatment: &DailyPanel,
    ) -> Result<NoveltyOutcome, StatsError> {
        if control.days() != treatment.days() {
            let (what, found) = ("the treatment's panel", treatment.days());
            return Err(StatsError::Length { what, found, allowed: control.days() });
        }
        let need = USERS_PER_DAY * control.days() as u64;
        let smaller = |day: usize| control.users(day).min(treatment.users(day));
        let days = (0..control.days()).take_while(|&day| smaller(day) >= need).count();
        if days < FEWEST_DAYS {
            let (what, have) = ("the sixth day of the smaller arm", smaller(FEWEST_DAYS - 1));
            return Err(StatsError::TooFew { what, have, need });
        }
        let daily = Daily::of(control, treatment, self.cohort, days)?;
        let Some(curve) = daily.curve(&self.grid(days)) else {
            return Ok(NoveltyOutcome::Degenerate { days });
        };
        Ok(NoveltyOutcome::Tested(Box::new(self.report(&daily, &curve, control, treatment))))
    }

    /// Returns decay times on a logarithmic grid.
    fn grid(&self, days: usize) -> Vec<f64> {
        let (shortest, longest) = self.decay.unwrap_or((1.0, 0.5 * days as f64));
        let step = (longest / shortest).ln() / (GRID - 1) as f64;
        (0..GRID).map(|i| shortest * (step * i as f64).exp()).collect()
    }

    fn report(&self, daily: &Daily, curve: &Curve, control: &DailyPanel, treatment: &DailyPanel) -> Novelty {
        let best = curve.best();
        let reach = normal::upper_quantile(0.5 * self.alpha.get());
        let (mut lower, mut upper) = (best.plateau, best.plateau);
        for fit in &curve.fits {
            // Q(c) - min Q <= reach^2, with Q falling by z^2 where the decay fits better.
            let left = reach * reach - (best.z * best.z - fit.z * fit.z);
            let half = (fit.plateau_variance * left.max(0.0)).sqrt();
            if left >= 0.0 {
                lower = lower.min(fit.plateau - half);
                upper = upper.max(fit.plateau + half);
            }
        }
        let ln_p = davies(best.z.abs(), curve.arc);
        let pattern = match ln_p.is_at_most(self.alpha) {
            false => Pattern::Stable,
            true if best.z > 0.0 => Pattern::Novelty,
            true => Pattern::Primacy,
        };
        let back = |value: f64| (value * daily.scale).clamp(f64::MIN, f64::MAX);
        let misfit = (curve.flat - best.z * best.z).max(0.0);
        let free = 0.5 * (daily.effects.len() - 3) as f64;
        Novelty {
            pattern,
            ln_p,
            statistic: best.z,
            arc: curve.arc,
            plateau: back(best.plateau),
            interval: Interval::new(lower * daily.scale, upper * daily.scale, self.alpha, Coverage::Fixed),
            amplitude: back(best.amplitude),
            decay_days: best.decay,
            average: back(daily.average()),
            misfit: LnP::saturating(gamma::incomplete_gamma(free, 0.5 * misfit).ln_upper),
            daily: daily.report(),
            cohorts: CohortCheck::of(control, treatment, daily.effects.len()),
        }
    }
}

/// Chooses whose days are averaged when users came at different times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cohort {
    /// Only users observed on all days in use: the same users on every day, so that a change of the mix of
    /// users cannot look like a change of the effect. Their covariance between early days is taken from all
    /// users seen on both.
    #[default]
    Complete,
    /// All users of each day: more users on early days, but those also came later in the calendar.
    Everyone,
}

/// Holds what the novelty test yields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoveltyOutcome {
    /// The test exists.
    Tested(Box<Novelty>),
    /// The days' effects have no invertible covariance: a day without variance, or a day that is a linear
    /// function of others, as with a metric that is cumulated over days (pass each day's own value).
    Degenerate {
        /// How many days were in use.
        days: usize,
    },
}

/// Says how the effect moves with the time since first exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pattern {
    /// No change at this level.
    Stable,
    /// The effect starts above its plateau and falls.
    Novelty,
    /// The effect starts below its plateau and rises.
    Primacy,
}

/// Holds the outcome of the novelty test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Novelty {
    /// The verdict at the test's level.
    pub pattern: Pattern,
    /// The p-value of a constant effect, corrected for the search over decay times.
    pub ln_p: LnP,
    /// The z statistic of the amplitude at the best decay time, before that correction.
    pub statistic: f64,
    /// The length kappa of the curve of decays, which measures the search.
    pub arc: f64,
    /// The estimated plateau, by maximum likelihood.
    pub plateau: f64,
    /// The profile-likelihood interval of the plateau; it is not conditional on the verdict.
    pub interval: Interval,
    /// The estimated excess of day 0 over the plateau.
    pub amplitude: f64,
    /// The decay time of the best fit, in days. Poorly determined unless the statistic is large.
    pub decay_days: f64,
    /// The mean effect over the days in use, which a plain analysis would report.
    pub average: f64,
    /// The p-value of the fitted curve against arbitrary daily effects; small means another shape.
    pub misfit: LnP,
    /// The effect of every day in use.
    pub daily: Vec<DayEffect>,
    /// Early against late comers; `None` if fewer than 100 users came late in an arm.
    pub cohorts: Option<CohortCheck>,
}

/// Holds the effect on one day since first exposure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DayEffect {
    /// Days since first exposure.
    pub day: usize,
    /// Treatment minus control.
    pub effect: f64,
    /// Its standard error; days are correlated, so do not combine these as if independent.
    pub standard_error: f64,
}

/// Compares the effect on day 0 of users who came early enough for all days with that of later comers.
///
/// If it differs, calendar time or the mix of users moves the effect, and a trend over age may be a trend
/// over the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CohortCheck {
    /// The effect on day 0 of the complete users.
    pub early: f64,
    /// The effect on day 0 of the others.
    pub late: f64,
    /// The z statistic of the difference, early minus late.
    pub z: f64,
    /// Its two-sided p-value.
    pub ln_p: LnP,
}

impl CohortCheck {
    fn of(control: &DailyPanel, treatment: &DailyPanel, days: usize) -> Option<Self> {
        let arm = |panel: &DailyPanel| {
            let (all, complete) = (panel.users(0), panel.users(days - 1));
            let late = all - complete;
            let (n, early_n, late_n) = (all as f64, complete as f64, late as f64);
            let early = panel.mean_among(0, days - 1)?;
            let late_mean = early + (panel.mean(0)? - early) * (n / late_n);
            let variance = panel.covariance(0, 0)? * (1.0 / early_n + 1.0 / late_n);
            (late >= 100 && complete > 0).then_some((early, late_mean, variance))
        };
        let ((ce, cl, cv), (te, tl, tv)) = (arm(control)?, arm(treatment)?);
        let (early, late) = (te - ce, tl - cl);
        let z = (early - late) / (cv + tv).sqrt();
        let ln_p = LnP::saturating(std::f64::consts::LN_2 + normal::ln_sf(z.abs()));
        let finite = z.is_finite() && early.is_finite() && late.is_finite();
        finite.then_some(Self { early, late, z, ln_p })
    }
}

/// The daily effects in units of `scale`, with their covariance.
struct Daily {
    scale: f64,
    effects: Vec<f64>,
    covariance: Vec<Vec<f64>>,
    /// By how much variances are enlarged because the covariance is estimated.
    enlarge: f64,
}

impl Daily {
    fn of(c: &DailyPanel, t: &DailyPanel, cohort: Cohort, days: usize) -> Result<Self, StatsError> {
        let overflow = StatsError::Overflow { what: "the covariance of daily effects" };
        let last = days - 1;
        let mean = |panel: &DailyPanel, day| match cohort {
            Cohort::Complete => panel.mean_among(day, last),
            Cohort::Everyone => panel.mean(day),
        };
        // Users of the later day are among those of the earlier, so the means share them all.
        let of_means = |panel: &DailyPanel, i: usize, j: usize| {
            let users = if cohort == Cohort::Complete { panel.users(last) } else { panel.users(i.min(j)) };
            panel.covariance(i, j).map(|value| value / users as f64)
        };
        let effect = |day| Some(mean(t, day)? - mean(c, day)?);
        let effects: Option<Vec<f64>> = (0..days).map(effect).collect();
        let cell = |i, j| Some(of_means(c, i, j)? + of_means(t, i, j)?);
        let row = |i| (0..=i).map(|j| cell(i, j)).collect::<Option<Vec<f64>>>();
        let covariance: Option<Vec<Vec<f64>>> = (0..days).map(row).collect();
        let (Some(mut effects), Some(mut covariance)) = (effects, covariance) else { return Err(overflow) };

        let largest = covariance.iter().filter_map(|row| row.last()).fold(0.0, |a: f64, b| a.max(*b));
        let scale = if largest > 0.0 { largest.sqrt() } else { 1.0 };
        let squared = if largest > 0.0 { largest } else { 1.0 };
        let (vc, vt) = (of_means(c, last, last).unwrap_or(0.0), of_means(t, last, last).unwrap_or(0.0));
        let (pc, pt) = (vc / (vc + vt).max(f64::MIN_POSITIVE), vt / (vc + vt).max(f64::MIN_POSITIVE));
        let df =
            1.0 / (pc * pc / (c.users(last) - 1) as f64 + pt * pt / (t.users(last) - 1) as f64).max(1e-300);
        let spare = df - 1.0 - (days - 2) as f64;
        let enlarge = if df.is_finite() { (df - 1.0) / spare.max(1.0) } else { 1.0 };
        effects.iter_mut().for_each(|effect| *effect /= scale);
        for value in covariance.iter_mut().flatten() {
            *value *= enlarge / squared;
        }
        let all = effects.iter().chain(covariance.iter().flatten());
        if !scale.is_finite() || all.into_iter().any(|value| !value.is_finite()) {
            return Err(overflow);
        }
        Ok(Self { scale, effects, covariance, enlarge })
    }

    fn average(&self) -> f64 {
        self.effects.iter().sum::<f64>() / self.effects.len() as f64
    }

    fn report(&self) -> Vec<DayEffect> {
        let variances = self.covariance.iter().filter_map(|row| row.last());
        let days = self.effects.iter().zip(variances).enumerate();
        let day = |(day, (effect, variance)): (usize, (&f64, &f64))| DayEffect {
            day,
            effect: effect * self.scale,
            standard_error: (variance / self.enlarge).sqrt() * self.scale,
        };
        days.map(day).collect()
    }

    /// Fits plateau and amplitude at every decay time, or `None` if the covariance is singular.
    fn curve(&self, grid: &[f64]) -> Option<Curve> {
        let factor = Cholesky::factor(&self.covariance).ok()?;
        let y = factor.whiten(&self.effects);
        let one = factor.whiten(&vec![1.0; self.effects.len()]);
        let length = dot(&one, &one).sqrt();
        let level = dot(&one, &y) / length;
        let mut previous: Option<Vec<f64>> = None;
        let (mut arc, mut fits) = (0.0, Vec::with_capacity(grid.len()));
        for &decay in grid {
            let shape: Vec<f64> = (0..self.effects.len()).map(|day| (-(day as f64) / decay).exp()).collect();
            let white = factor.whiten(&shape);
            let along = dot(&one, &white) / length;
            let mut across: Vec<f64> =
                white.iter().zip(&one).map(|(w, o)| w - along * (o / length)).collect();
            let size = dot(&across, &across).sqrt();
            across.iter_mut().for_each(|x| *x /= size);
            let z = dot(&across, &y);
            let amplitude = z / size;
            let slope = along / length;
            let plateau = level / length - amplitude * slope;
            let plateau_variance = (1.0 / length).powi(2) + (slope / size).powi(2);
            if let Some(before) = &previous {
                // Chord to angle, exact also where the angle is tiny.
                let chord: f64 = across.iter().zip(before).map(|(a, b)| (a - b) * (a - b)).sum();
                arc += 2.0 * (0.5 * chord.sqrt()).min(1.0).asin();
            }
            previous = Some(across);
            fits.push(Fit { decay, z, amplitude, plateau, plateau_variance });
        }
        let finite = |fit: &Fit| {
            [fit.z, fit.amplitude, fit.plateau, fit.plateau_variance].iter().all(|x| x.is_finite())
        };
        let flat = dot(&y, &y) - level * level;
        (arc.is_finite() && flat.is_finite() && fits.iter().all(finite)).then_some(Curve { arc, flat, fits })
    }
}

/// The fits at all decay times.
struct Curve {
    arc: f64,
    /// The chi-square distance of the daily effects from a constant.
    flat: f64,
    fits: Vec<Fit>,
}

impl Curve {
    fn best(&self) -> Fit {
        let none = Fit { decay: 1.0, z: 0.0, amplitude: 0.0, plateau: 0.0, plateau_variance: 0.0 };
        let first = self.fits.first().copied().unwrap_or(none);
        self.fits.iter().fold(first, |best, fit| if fit.z.abs() > best.z.abs() { *fit } else { best })
    }
}

/// The least-squares fit at one decay time.
#[derive(Clone, Copy)]
struct Fit {
    decay: f64,
    z: f64,
    amplitude: f64,
    plateau: f64,
    plateau_variance: f64,
}

/// Returns the two-sided bound for the supremum of a smooth normal curve of length `arc`.
fn davies(u: f64, arc: f64) -> LnP {
    let tail = normal::ln_sf(u);
    let crossing = (arc / std::f64::consts::TAU).ln() - 0.5 * u * u;
    let larger = tail.max(crossing);
    let sum = larger + ((tail - larger).exp() + (crossing - larger).exp()).ln();
    LnP::saturating(std::f64::consts::LN_2 + sum)
}

/// Users in each arm per day of the panel, so that the covariance of the days is well estimated.
const USERS_PER_DAY: u64 = 30;

/// The fewest days from which three parameters and a misfit can be estimated.
const FEWEST_DAYS: usize = 6;

/// Decay times that are tried.
const GRID: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    const EFFECTS: [f64; 10] = [0.020, 0.017, 0.012, 0.013, 0.008, 0.009, 0.006, 0.007, 0.004, 0.006];

    fn panel(users: u64, means: &[f64]) -> DailyPanel {
        let cell = |i: usize, j: usize| 0.09 * 0.5_f64.powf((i as f64 - j as f64).abs() / 3.0);
        let covariance: Vec<Vec<f64>> =
            (0..means.len()).map(|i| (0..=i).map(|j| cell(i, j)).collect()).collect();
        DailyPanel::from_summary(users, means, &covariance).unwrap()
    }

    fn tested(control: &DailyPanel, treatment: &DailyPanel) -> Novelty {
        match NoveltyTest::new(Alpha::FIVE_PERCENT).compare(control, treatment).unwrap() {
            NoveltyOutcome::Tested(novelty) => *novelty,
            NoveltyOutcome::Degenerate { days } => panic!("{days}"),
        }
    }

    /// Source: the same formulas with explicit inverses in numpy 2 and scipy 1.18 (`norm.sf`, `chi2.sf`).
    #[test]
    fn agrees_with_explicit_generalised_least_squares() {
        let got = tested(&panel(20_000, &[0.0; 10]), &panel(30_000, &EFFECTS));
        assert_eq!(got.pattern, Pattern::Novelty);
        close(got.statistic, 4.401358818410347, 1e-9);
        close(got.arc, 0.6718080940567998, 1e-6);
        close(got.plateau, 0.004057194863793103, 1e-9);
        close(got.amplitude, 0.015946086107301506, 1e-9);
        close(got.decay_days, 3.7455349140873144, 1e-12);
        close(got.interval.lower.unwrap(), -0.0033997908140898673, 1e-8);
        close(got.interval.upper.unwrap(), 0.010336420987742418, 1e-8);
        close(got.ln_p.get(), -10.635475684407142, 1e-7);
        close(got.misfit.get(), -3.212499192724689, 1e-8);
        close(got.average, 0.0102, 1e-12);
        close(got.daily[0].standard_error, 0.0027386127875258306, 1e-9);
    }

    #[test]
    fn scale_and_swap_of_arms() {
        let (control, treatment) = (panel(20_000, &[0.0; 10]), panel(30_000, &EFFECTS));
        let (ab, ba) = (tested(&control, &treatment), tested(&treatment, &control));
        assert_eq!(ba.pattern, Pattern::Primacy);
        close(ba.plateau, -ab.plateau, 1e-9);
        close(ba.ln_p.get(), ab.ln_p.get(), 1e-9);
        for factor in [1e-120, 1e120] {
            let scaled = |users, means: &[f64]| {
                let means: Vec<f64> = means.iter().map(|x| x * factor).collect();
                let cell = |i: usize, j: usize| {
                    0.09 * factor * factor * 0.5_f64.powf((i as f64 - j as f64).abs() / 3.0)
                };
                let covariance: Vec<Vec<f64>> =
                    (0..10).map(|i| (0..=i).map(|j| cell(i, j)).collect()).collect();
                DailyPanel::from_summary(users, &means, &covariance).unwrap()
            };
            let got = tested(&scaled(20_000, &[0.0; 10]), &scaled(30_000, &EFFECTS));
            close(got.statistic, ab.statistic, 1e-9);
            close(got.plateau, ab.plateau * factor, 1e-9);
        }
    }

    #[test]
    fn early_and_late_comers_are_compared_at_the_same_age() {
        let users = |seed: u32, late_effect: f64| {
            let mut panel = DailyPanel::new(6).unwrap();
            for user in 0..900_u32 {
                let noise = |day: u32| f64::from((user * 7919 + day * 104_729 + seed * 31) % 1009) / 1009.0;
                let late = user % 3 == 0;
                let days = if late { 2 } else { 6 };
                let shift = if late { late_effect } else { 0.0 };
                let values: Vec<f64> = (0..days).map(|day| shift + noise(day)).collect();
                panel.push(&values).unwrap();
            }
            panel
        };
        let test = |late| tested(&users(0, 0.0), &users(1, late)).cohorts.unwrap();
        assert!(test(0.0).ln_p.get() > -3.0);
        let moved = test(0.5);
        assert!(moved.ln_p.get() < -20.0 && (moved.late - moved.early - 0.5).abs() < 0.1, "{moved:?}");
    }

    #[test]
    fn what_cannot_be_judged_is_said() {
        let test = NoveltyTest::new(Alpha::FIVE_PERCENT);
        let flat = |users| DailyPanel::from_summary(users, &[0.1; 8], &vec![vec![0.0; 8]; 8]).unwrap();
        assert_eq!(test.compare(&flat(1000), &flat(1000)).unwrap(), NoveltyOutcome::Degenerate { days: 8 });
        let same = DailyPanel::from_summary(1000, &[0.1; 8], &vec![vec![1.0; 8]; 8]).unwrap();
        assert_eq!(test.compare(&same, &same).unwrap(), NoveltyOutcome::Degenerate { days: 8 });
        assert!(matches!(test.compare(&flat(239), &flat(1000)), Err(StatsError::TooFew { need: 240, .. })));
        assert!(test.compare(&flat(1000), &panel(1000, &[0.0; 7])).is_err());
        for bad in [(0.0, 1.0), (2.0, 1.0), (1.0, f64::NAN), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            assert!(test.with_decay_days(bad.0, bad.1).is_err(), "{bad:?}");
        }
        let tiny = test.with_decay_days(1e-300, 1e300).unwrap();
        let _ = tiny.compare(&panel(1000, &[0.0; 10]), &panel(1000, &EFFECTS)).unwrap();
    }
}
