//! Adaptive quadrature.

/// Integrates `f` over the panels between consecutive points, which need not be in order.
///
/// Gauss and Kronrod's rule of 7 and 15 points (Kronrod 1965; weights as in QUADPACK, 1983) on each panel; the
/// panel with the greatest error is halved until the sum of the errors is below `1e-13` of the integral, or
/// [`MAX_PANELS`] is reached. Points that are not finite are left out.
pub(super) fn integrate(f: impl Fn(f64) -> f64, mut points: Vec<f64>) -> f64 {
    points.retain(|point| point.is_finite());
    points.sort_by(f64::total_cmp);
    points.dedup();
    let pairs = points.iter().zip(points.iter().skip(1));
    let mut panels: Vec<Panel> = pairs.map(|(low, high)| Panel::new(&f, *low, *high)).collect();
    while panels.len() < MAX_PANELS {
        let total: f64 = panels.iter().map(|panel| panel.value).sum();
        let error: f64 = panels.iter().map(|panel| panel.error).sum();
        if error <= TOLERANCE * total.abs() {
            break;
        }
        let worst = panels.iter().enumerate().max_by(|a, b| a.1.error.total_cmp(&b.1.error));
        let Some(index) = worst.map(|(index, _)| index) else { break };
        let panel = panels.swap_remove(index);
        let middle = panel.low + 0.5 * (panel.high - panel.low);
        if middle <= panel.low || middle >= panel.high {
            panels.push(Panel { error: 0.0, ..panel });
            continue;
        }
        panels.push(Panel::new(&f, panel.low, middle));
        panels.push(Panel::new(&f, middle, panel.high));
    }
    // From the smallest up, so that rounding does not depend on the order.
    panels.sort_by(|a, b| a.value.abs().total_cmp(&b.value.abs()));
    panels.iter().map(|panel| panel.value).sum()
}

struct Panel {
    low: f64,
    high: f64,
    value: f64,
    error: f64,
}

impl Panel {
    fn new(f: &impl Fn(f64) -> f64, low: f64, high: f64) -> Self {
        let (centre, half) = (low + 0.5 * (high - low), 0.5 * (high - low));
        let (mut gauss, mut kronrod) = (0.0, 0.0);
        for (node, seven, fifteen) in NODES {
            let value =
                if node > 0.0 { f(centre - half * node) + f(centre + half * node) } else { f(centre) };
            gauss += seven * value;
            kronrod += fifteen * value;
        }
        let difference = (half * (kronrod - gauss)).abs();
        // The rule of 15 is far better than its difference to that of 7 where the function is smooth.
        let value = half * kronrod;
        let relative =
            if value.abs() > 0.0 { (200.0 * difference / value.abs()).powf(1.5).min(1.0) } else { 1.0 };
        Self { low, high, value, error: difference.min(value.abs() * relative) }
    }
}

/// Node, weight among 7 (zero if it is not one of them), weight among 15.
const NODES: [(f64, f64, f64); 8] = [
    (0.991_455_371_120_812_6, 0.0, 0.022_935_322_010_529_224),
    (0.949_107_912_342_758_5, 0.129_484_966_168_869_7, 0.063_092_092_629_978_56),
    (0.864_864_423_359_769_1, 0.0, 0.104_790_010_322_250_19),
    (0.741_531_185_599_394_5, 0.279_705_391_489_276_64, 0.140_653_259_715_525_92),
    (0.586_087_235_467_691_1, 0.0, 0.169_004_726_639_267_9),
    (0.405_845_151_377_397_2, 0.381_830_050_505_118_9, 0.190_350_578_064_785_4),
    (0.207_784_955_007_898_47, 0.0, 0.204_432_940_075_298_89),
    (0.0, 0.417_959_183_673_469_4, 0.209_482_141_084_727_82),
];

/// The relative error at which the quadrature stops.
const TOLERANCE: f64 = 1e-13;

/// More panels than any posterior needs; bounds the time.
const MAX_PANELS: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn known_integrals() {
        close(
            integrate(|x| (-0.5 * x * x).exp(), vec![-40.0, 0.0, 40.0]),
            std::f64::consts::TAU.sqrt(),
            1e-13,
        );
        close(integrate(f64::sqrt, vec![0.0, 1.0]), 2.0 / 3.0, 1e-12);
        close(integrate(|x| x.powi(13), vec![1.0, -0.5]), (1.0 - 0.5_f64.powi(14)) / 14.0, 1e-14);
        close(integrate(|x| 1.0 / (1e-8 + x * x), vec![-1.0, 1.0]), 2e4 * 1e4_f64.atan(), 1e-11);
        close(integrate(|_| 0.0, vec![0.0, 1.0]), 0.0, 0.0);
        close(integrate(|x| x, vec![f64::NAN, f64::INFINITY]), 0.0, 0.0);
    }
}
