//! Integrals of smooth, positive functions with one peak.

/// Integrates over the whole axis a function with one peak near `peak`, about `width` wide.
///
/// For an analytic function that falls to both sides the trapezoidal rule converges faster than any power (Trefethen
/// and Weideman 2014): two interleaved grids that agree are the value. Otherwise panels are integrated and split.
pub(super) fn around(f: &impl Fn(f64) -> f64, peak: f64, width: f64) -> f64 {
    let step = 0.5 * width;
    let grid = |offset: f64| {
        let mut sum = 0.0;
        for direction in [1.0, -1.0] {
            let first = if direction > 0.0 { offset } else { 1.0 - offset };
            for k in 0..MAX_POINTS {
                let term = f(peak + direction * step * (first + f64::from(k)));
                sum += term;
                if term <= 1e-17 * sum {
                    break;
                }
            }
        }
        sum
    };
    let (at_points, between) = (grid(0.0), grid(0.5));
    if (at_points - between).abs() <= 2e-14 * between {
        return 0.5 * step * (at_points + between);
    }
    outwards(f, peak, width) + outwards(f, peak, -width)
}

/// Integrates from `start` outwards, to the right for a positive `step`, until the panels no longer matter.
///
/// `f` must fall in the end. Each panel is split until two halves agree with the whole; panels grow while they
/// agree at once. Depth and number are bounded.
pub(super) fn outwards(f: &impl Fn(f64) -> f64, start: f64, step: f64) -> f64 {
    let (mut total, mut left, mut step) = (0.0, start, step);
    for _ in 0..MAX_PANELS {
        let right = left + step;
        let whole = panel(f, left, right);
        let part = refine(f, left, right, whole, total, MAX_DEPTH);
        total += part.abs();
        if part.abs() <= 1e-17 * total {
            break;
        }
        step *= 1.2;
        left = right;
    }
    total
}

fn refine(f: &impl Fn(f64) -> f64, left: f64, right: f64, whole: f64, total: f64, depth: u32) -> f64 {
    let middle = 0.5 * (left + right);
    let (first, second) = (panel(f, left, middle), panel(f, middle, right));
    let both = first + second;
    if depth == 0 || (both - whole).abs() <= 1e-15 * (both.abs() + total) {
        return both;
    }
    refine(f, left, middle, first, total, depth - 1) + refine(f, middle, right, second, total, depth - 1)
}

/// Gauss and Legendre's rule of ten points.
fn panel(f: &impl Fn(f64) -> f64, left: f64, right: f64) -> f64 {
    let (centre, half) = (0.5 * (left + right), 0.5 * (right - left));
    half * NODES.iter().map(|(x, weight)| weight * (f(centre - half * x) + f(centre + half * x))).sum::<f64>()
}

const MAX_POINTS: u32 = 100;
const MAX_PANELS: u32 = 200;
const MAX_DEPTH: u32 = 10;

const NODES: [(f64, f64); 5] = [
    (0.9739065285171717, 0.06667134430868814),
    (0.8650633666889845, 0.1494513491505806),
    (0.6794095682990244, 0.21908636251598204),
    (0.4333953941292472, 0.26926671930999635),
    (0.14887433898163122, 0.29552422471475287),
];
