//! The Bayes factor of a multinomial against its Dirichlet mixture, as sums of small terms.

use crate::special::gamma::{deviance, stirling_error};

/// Returns ln [∫ L(θ) Dirichlet(θ; mass · share) dθ / L(share)] for cells `(share, count)` with shares that sum to 1.
///
/// Under the shares this is an e-process in the counts. Shares must be positive; counts need not be whole. Written as
/// a difference of Stirling forms it keeps its digits at counts of 1e15 and never overflows on the way.
pub(crate) fn ln_bayes_factor(cells: impl Iterator<Item = (f64, f64)> + Clone, mass: f64) -> f64 {
    let units: f64 = cells.clone().map(|(_, count)| count).sum();
    let posterior = form(cells.clone().map(|(share, count)| (share, mass * share + count)), mass + units);
    let prior = form(cells.map(|(share, _)| (share, mass * share)), mass);
    (posterior - prior).clamp(f64::MIN, f64::MAX)
}

/// Returns `Σ ln Γ(z) - ln Γ(total) - Σ z ln share` without the terms that are equal in both uses.
pub(crate) fn form(cells: impl Iterator<Item = (f64, f64)>, total: f64) -> f64 {
    let cell = |(share, z): (f64, f64)| deviance(z, total * share) - 0.5 * z.ln() + stirling_error(z);
    cells.map(cell).sum::<f64>() + 0.5 * total.ln() - stirling_error(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: `B(a + x) / (B(a) Π share^x)` in mpmath, 40 digits.
    #[test]
    fn agrees_with_mpmath() {
        let of = |cells: &[(f64, f64)], mass| ln_bayes_factor(cells.iter().copied(), mass);
        close(of(&[(0.5, 3000.0), (0.5, 0.0)], 100.0), 1_892.465_675_621_594_5, 1e-14);
        close(of(&[(0.2, 7.0), (0.3, 1.0), (0.5, 2.0)], 10.0), 2.422_688_418_442_02, 1e-13);
    }
}
