//! The density of the test statistic of experiments that have not stopped yet.

use crate::special::normal;

/// Holds the sub-density of `Z` at one look, restricted to the paths that went on at every look so far.
///
/// The recursion of Armitage, McPherson and Rowe (1969): with information fractions `t`, drift θ (the mean of `Z`
/// at full information) and `d = t - t'` the new information, `sqrt(t) Z - sqrt(t') Z'` is normal with mean `θ d` and
/// variance `d`, independent of the past. The integrals are by Gauss-Legendre on panels no wider than two standard
/// deviations of the narrower neighbouring kernel, which end exactly at the boundaries; that leaves errors near
/// 1e-14. The kernel is cut where it no longer reaches the sum.
#[derive(Clone, Debug)]
pub(crate) struct Density {
    information: f64,
    drift: f64,
    /// Points of `Z` and the probability mass each stands for, in rising order; one point at 0 before any look.
    nodes: Vec<(f64, f64)>,
}

impl Density {
    /// Starts before any look.
    pub(crate) fn new(drift: f64) -> Self {
        Self { information: 0.0, drift, nodes: vec![(0.0, 1.0)] }
    }

    /// Returns the probability to have come here and to see `Z >= bound` at the look at `information`.
    pub(crate) fn above(&self, information: f64, bound: f64) -> f64 {
        let step = self.step(information);
        self.sum(|z| normal::sf(step.standard(bound, z)))
    }

    /// Returns the probability to have come here and to see `Z <= bound` at the look at `information`.
    pub(crate) fn below(&self, information: f64, bound: f64) -> f64 {
        let step = self.step(information);
        self.sum(|z| normal::sf(-step.standard(bound, z)))
    }

    /// Goes on to the look at `information` with the paths inside `region`; `next` is the information of the look
    /// after it, if there is one.
    pub(crate) fn advance(&self, information: f64, region: Region, next: Option<f64>) -> Self {
        let step = self.step(information);
        let mean = self.drift * information.sqrt();
        let ahead = next.map_or(1.0, |next| ((next - information) / information).sqrt());
        let scale = 1.0_f64.min(step.spread / information.sqrt()).min(ahead);
        let reach = if region.lower.is_finite() { FAR } else { NEAR };
        let (low, high) = (region.lower.max(mean - reach), region.upper.min(mean + FAR));
        let mut nodes = Vec::new();
        if high > low {
            let panels = ((high - low) / (PANEL * scale)).ceil().clamp(1.0, MAX_PANELS);
            let half = 0.5 * (high - low) / panels;
            let mut panel = 0.0;
            while panel < panels {
                let centre = low + (2.0 * panel + 1.0) * half;
                nodes.extend(legendre().map(|(x, weight)| {
                    let z = centre + half * x;
                    (z, half * weight * self.density(&step, z, mean))
                }));
                panel += 1.0;
            }
        }
        nodes.retain(|&(_, mass)| mass > 0.0);
        Self { information, drift: self.drift, nodes }
    }

    /// Returns the density at `z`, summing only the nodes that can contribute.
    fn density(&self, step: &Step, z: f64, mean: f64) -> f64 {
        let window = NEAR + (z - mean).abs() * step.spread / step.root_new;
        let centre = if step.root_old > 0.0 { (z * step.root_new - step.shift) / step.root_old } else { 0.0 };
        let width = if step.root_old > 0.0 { window * step.spread / step.root_old } else { f64::INFINITY };
        let from = self.nodes.partition_point(|&(node, _)| node < centre - width);
        let near = self.nodes.iter().skip(from).take_while(|&&(node, _)| node <= centre + width);
        let sum: f64 = near
            .map(|&(node, mass)| {
                let u = step.standard(z, node);
                mass * (-0.5 * u * u).exp()
            })
            .sum();
        sum * INVERSE_SQRT_TAU * step.root_new / step.spread
    }

    fn sum(&self, tail: impl Fn(f64) -> f64) -> f64 {
        self.nodes.iter().map(|&(z, mass)| mass * tail(z)).sum()
    }

    fn step(&self, information: f64) -> Step {
        let added = information - self.information;
        Step {
            root_old: self.information.sqrt(),
            root_new: information.sqrt(),
            spread: added.sqrt(),
            shift: self.drift * added,
        }
    }
}

/// The values of `Z` at which the experiment goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// The move from one look to the next.
struct Step {
    root_old: f64,
    root_new: f64,
    spread: f64,
    shift: f64,
}

impl Step {
    /// Returns how many standard deviations `bound` lies above what follows from `z`.
    fn standard(&self, bound: f64, z: f64) -> f64 {
        (bound * self.root_new - z * self.root_old - self.shift) / self.spread
    }
}

/// Returns the 16 nodes and weights of Gauss and Legendre on [-1, 1], in rising order.
fn legendre() -> impl Iterator<Item = (f64, f64)> {
    let left = LEGENDRE.iter().rev().map(|&(x, weight)| (-x, weight));
    left.chain(LEGENDRE.iter().copied())
}

/// Positive half of the 16-point Gauss-Legendre rule.
const LEGENDRE: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_64),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_64),
    (0.458_016_777_657_227_37, 0.169_156_519_395_002_65),
    (0.617_876_244_402_643_8, 0.149_595_988_816_576_7),
    (0.755_404_408_355_003, 0.124_628_971_255_534_07),
    (0.865_631_202_387_831_8, 0.095_158_511_682_492_6),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_456),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_176),
];

/// Width of a panel in kernel standard deviations.
const PANEL: f64 = 2.0;
/// Bounds the memory; with the least increment of information that a design may have it is not reached.
const MAX_PANELS: f64 = 65_536.0;
/// Standard deviations beyond which a side without boundary holds less than 1e-20.
const NEAR: f64 = 9.5;
/// Standard deviations beyond which the normal density is below the smallest `f64`.
const FAR: f64 = 38.0;
/// `1 / sqrt(2 π)`.
const INVERSE_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    const ALL: Region = Region { lower: f64::NEG_INFINITY, upper: f64::INFINITY };

    #[test]
    fn without_boundaries_the_statistic_stays_normal() {
        for drift in [0.0, 3.0] {
            for times in [[0.25, 0.5, 1.0], [0.001, 0.999, 1.0], [0.33, 0.3301, 1.0]] {
                let mut density = Density::new(drift);
                density = density.advance(times[0], ALL, Some(times[1]));
                density = density.advance(times[1], ALL, Some(times[2]));
                for bound in [-2.0, 0.0, 1.96, 4.0, 8.0] {
                    let want = normal::sf(bound - drift);
                    assert!(
                        (density.above(1.0, bound) - want).abs() < 1e-13 + 1e-10 * want,
                        "{times:?} {bound}"
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_is_lost_at_a_look() {
        let first = Density::new(1.0).advance(0.4, Region { lower: -0.5, upper: 2.2 }, Some(1.0));
        let (up, down) = (first.above(1.0, 2.0), first.below(1.0, 2.0));
        close(up + down, normal::sf(-0.5 - 0.4_f64.sqrt()) - normal::sf(2.2 - 0.4_f64.sqrt()), 1e-13);
    }
}
