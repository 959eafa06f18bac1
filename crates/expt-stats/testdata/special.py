"""Prints reference values for src/special: `NAME ARGUMENT... VALUE`, from mpmath in 60 digits.

Usage: python special.py [POINTS_PER_FAMILY] [SEED] > special.txt

Nothing here shares a method with the library: tails are power series with positive terms or Gauss-Legendre integrals
of the density of the log (or logit) of the variable, in 60 digits. A quantile is the point x itself, moved by
(p' - p) / density for the rounding of p to p'.
"""

import math
import random
import sys

from mpmath import erf, erfc, exp, expm1, log, log1p, loggamma, mp, mpf, pi, quad, sqrt

mp.dps = 60


def integral(phi, unit):
    total, left, step = mpf(0), mpf(0), unit
    while True:
        total += quad(lambda s: exp(phi(s)), [left, left + step], method="gauss-legendre", maxdegree=5)
        left, step = left + step, step * mpf("1.5")
        if phi(left) < -110:
            return total


def series(ratio):
    term, total, k = mpf(1), mpf(1), 0
    while term > total * mpf(10) ** -57 or ratio(k) > mpf("0.9"):
        term *= ratio(k)
        total += term
        k += 1
    return total


def beta_tails(a, b, x, y):
    """ln lower, ln upper and ln density of the logit."""
    ln_b = loggamma(a) + loggamma(b) - loggamma(a + b)

    def lower(a, b, x, y):
        n, kernel = a + b, a * log(x) + b * log(y) - ln_b
        if x < mpf("0.6") and n * x < 400:
            return kernel + log(series(lambda k: (n + k) / (a + 1 + k) * x) / a)
        unit = 1 / (abs(a * y - b * x) + sqrt(n * x * y)) / 2
        return kernel + log(integral(lambda s: -a * s - n * log1p(x * expm1(-s)), unit))

    density = a * log(x) + b * log(y) - ln_b
    if x * (a + b) <= a:
        low = lower(a, b, x, y)
        return low, log1p(-exp(low)), density
    up = lower(b, a, y, x)
    return log1p(-exp(up)), up, density


def gamma_tails(a, x):
    """ln lower, ln upper and ln density of the logarithm."""
    density = a * log(x) - x - loggamma(a)
    if x < 400 and x < a + 60:
        low = density + log(series(lambda k: x / (a + 1 + k)) / a)
        return low, log1p(-exp(low)), density
    unit = 1 / (abs(a - x) + sqrt(a)) / 2
    if x <= a:
        low = density + log(integral(lambda s: -a * s - x * expm1(-s), unit))
        return low, log1p(-exp(low)), density
    up = density + log(integral(lambda s: a * s - x * expm1(s), unit))
    return log1p(-exp(up)), up, density


def show(name, arguments, value):
    print(name, *[repr(float(a)) for a in arguments], repr(float(value)))


def distribution(name, x, parameters, low, up, density, room=None):
    """Prints all functions of one distribution at one point; `density` is that of x, `room` how far x can move."""
    for side, ln_p in (("cdf", low), ("sf", up)):
        if ln_p > -690:
            show(f"{name}_{side}", [x, *parameters], exp(ln_p))
        if ln_p > -1e5:
            show(f"{name}_ln_{side}", [x, *parameters], ln_p)
    if min(low, up) < -20000:
        return
    for side, ln_p, sign in (("lower", low, 1), ("upper", up, -1)):
        rounded = mpf(float(exp(ln_p)))
        for kind, given, p, moved in (
            ("quantile", rounded, rounded, rounded - exp(ln_p)),
            ("ln_quantile", mpf(float(ln_p)), exp(ln_p), (mpf(float(ln_p)) - ln_p) * exp(ln_p)),
        ):
            shift = sign * moved / density
            if 0 < p < 1 and given < 1 and given != 0 and abs(shift) < (room or abs(x)) * mpf(10) ** -9:
                show(f"{name}_{kind}_{side}", [given, *parameters], x + shift)


def power(low, high):
    return 10 ** random.uniform(low, high)


def normal(x):
    x = mpf(x)
    small = erfc(abs(x) / sqrt(mpf(2))) / 2
    low, up = (log(small), log1p(-small)) if x < 0 else (log1p(-small), log(small))
    distribution("normal", x, [], low, up, exp(-x * x / 2) / sqrt(2 * pi))


def student(t, df):
    t, df = mpf(t), mpf(df)
    odds = df / (t * t)
    low, _, density = beta_tails(df / 2, mpf(1) / 2, odds / (1 + odds), 1 / (1 + odds))
    up = low - log(2)
    distribution("student_t", t, [df], log1p(-exp(up)), up, exp(density) / abs(t))
    distribution("student_t", -t, [df], up, log1p(-exp(up)), exp(density) / abs(t))


def chi_square(x, df):
    low, up, density = gamma_tails(mpf(df) / 2, mpf(x) / 2)
    distribution("chi_square", mpf(x), [df], low, up, exp(density) / x)


def beta(x, a, b):
    x, a, b = mpf(x), mpf(a), mpf(b)
    low, up, density = beta_tails(a, b, x, 1 - x)
    distribution("beta", x, [a, b], low, up, exp(density) / (x * (1 - x)), min(x, 1 - x))


def fisher(x, d1, d2):
    odds = mpf(d1) * mpf(x) / mpf(d2)
    low, up, density = beta_tails(mpf(d1) / 2, mpf(d2) / 2, odds / (1 + odds), 1 / (1 + odds))
    distribution("fisher_f", mpf(x), [d1, d2], low, up, exp(density) / x)


def ln_choose(n, k):
    return loggamma(mpf(n) + 1) - loggamma(mpf(k) + 1) - loggamma(mpf(n) - k + 1)


def discrete():
    n = int(power(0, 12))
    p = random.random()
    k = random.choice([0, n, min(n, max(0, int(n * p + random.gauss(0, 4) * math.sqrt(n * p * (1 - p)))))])
    show("binomial_ln_pmf", [k, n, p], ln_choose(n, k) + k * log(mpf(p)) + (n - k) * log1p(-mpf(p)))
    if k < n:
        up, low, _ = beta_tails(mpf(k) + 1, mpf(n - k), mpf(p), 1 - mpf(p))
        show("binomial_ln_cdf", [k, n, p], low)
        show("binomial_ln_sf", [k, n, p], up)
    rate = power(-3, 10)
    k = max(0, int(rate + random.gauss(0, 4) * math.sqrt(rate)))
    show("poisson_ln_pmf", [k, rate], -mpf(rate) + k * log(mpf(rate)) - loggamma(mpf(k) + 1))
    up, low, _ = gamma_tails(mpf(k) + 1, mpf(rate))
    show("poisson_ln_cdf", [k, rate], low)
    show("poisson_ln_sf", [k, rate], up)
    population = int(power(1, 14))
    good, draws = random.randint(1, population - 1), random.randint(1, population - 1)
    mean = draws * good / population
    deviation = math.sqrt(mean * (1 - good / population) * (1 - draws / population))
    least, most = max(0, draws + good - population), min(good, draws)
    k = min(most, max(least, int(mean + random.gauss(0, 4) * deviation)))
    ln_pmf = ln_choose(good, k) + ln_choose(population - good, draws - k) - ln_choose(population, draws)
    show("hypergeometric_ln_pmf", [k, population, good, draws], ln_pmf)
    if deviation < 3000 and k < most:
        term, total, j = exp(ln_pmf), mpf(0), k
        while j >= least and term > total * mpf(10) ** -58:
            total += term
            term *= mpf(j) * (population - good - draws + j) / (mpf(good - j + 1) * (draws - j + 1))
            j -= 1
        show("hypergeometric_ln_cdf", [k, population, good, draws], log(total))


def noncentral():
    df = random.choice([power(0.3, 6), float(random.randint(2, 50))])
    shift = random.choice([random.uniform(-6, 6), random.uniform(0, 30)])
    t = random.choice([random.uniform(-5, 5), shift + random.gauss(0, 4) * math.sqrt(1 + shift * shift / (2 * df))])
    a, t, s = mpf(df) / 2, mpf(t), mpf(shift)
    front = log(mpf(2)) + a * log(a) - loggamma(a)
    width = 1 / math.sqrt(2 * df)
    centre = math.log(shift / float(t)) if shift / float(t) > 0 else 0.0
    points = [k * width / 2 for k in range(-60, 25)] + [-(60 / df + 30 * width) * k / 80 for k in range(1, 81)]
    points += [centre + k / (1 + abs(shift)) / 2 for k in range(-30, 31)] + [k / 10 for k in range(-40, 50)]
    points = sorted(v for v in set(points) if v < 5)
    for side, sign in (("sf", 1), ("cdf", -1)):
        f = lambda v: exp(front + df * v - a * exp(2 * v)) * erfc(sign * (t * exp(v) - s) / sqrt(mpf(2))) / 2
        mp.dps = 30
        value = quad(f, points, method="gauss-legendre", maxdegree=4)
        mp.dps = 60
        if value > 1e-280:
            show(f"noncentral_t_{side}", [t, df, shift], value)
    df, shift = power(0, 3), power(-2, 3)
    x = (df + shift) * max(0.01, 1 + random.gauss(0, 3) * math.sqrt(2 * (df + 2 * shift)) / (df + shift))
    a, half, rate = mpf(df) / 2, mpf(x) / 2, mpf(shift) / 2
    weight, tail, total, j = exp(-rate), exp(gamma_tails(a, half)[1]), mpf(0), 0
    step = exp(a * log(half) - half - loggamma(a + 1))
    while j < rate or weight > total * mpf(10) ** -25:
        total += weight * tail
        tail += step
        j += 1
        step *= half / (a + j)
        weight *= rate / j
    show("noncentral_chi_square_sf", [x, df, shift], total)


def hard():
    for x in (1e-12, 0.64999, 0.65001, 4.99999, 5.00001, -8.3, 37.5, 140.0):
        normal(x)
    for t, df in ((1e-9, 1e8), (0.1, 1e8), (10.0, 1e8), (6.0, 1e12), (1.7, 0.001), (30.0, 29.9), (7.3, 30.0), (1e40, 0.5)):
        student(t, df)
    for x, df in ((1e-3, 1e-3), (1e12, 1e12), (1e12 + 4e7, 1e12), (1e-200, 1.0), (90.0, 79.9), (1.4e3, 1e3), (2.4e4, 3.0)):
        chi_square(x, df)
    for x, a, b in (
        (0.5, 1e6, 1e6), (0.4979, 1e6, 1e6), (1e-300, 0.01, 0.02), (0.5, 0.001, 0.001), (0.1, 1e9, 9e9),
        (1e-11, 0.001, 1e10), (0.9, 40.0, 0.5), (0.999999, 1e7, 11.5), (0.0506678, 52000.0, 948000.0),
    ):
        beta(x, a, b)
    for x, d1, d2 in ((1.0, 1e12, 1e12), (1.00002, 1e12, 1e12), (4.96, 1.0, 10.0), (1e-9, 0.01, 0.01)):
        fisher(x, d1, d2)


def main(points, seed):
    random.seed(seed)
    hard()
    for _ in range(points):
        normal(random.choice([random.gauss(0, 3), power(-8, 2.3)]))
        x = random.choice([random.uniform(-3, 3), power(-8, 1.4)])
        show("erf", [x], erf(mpf(x)))
        show("erfc", [x], erfc(mpf(x)))
        x = random.choice([power(-10, 12), random.uniform(0.9, 2.1), 2 + power(-9, -1)])
        show("ln_gamma", [x], loggamma(mpf(x)))
        a, b = power(-3, 10), power(-3, 10)
        show("ln_beta", [a, b], loggamma(mpf(a)) + loggamma(mpf(b)) - loggamma(mpf(a) + mpf(b)))
        df = random.choice([power(-3, 12), power(0, 3)])
        student(random.choice([power(-3, 1.5), power(-10, 20) if df < 20 else power(-1, 1.5)]), df)
        df = random.choice([power(-3, 12), power(0, 3)])
        near = df + random.uniform(-30, 30) * math.sqrt(2 * df)
        chi_square(near if near > 0 else df * power(-2, 1), df)
        a, b = random.choice([(power(-3, 10), power(-3, 10)), (power(0, 4), power(0, 4))])
        width = math.sqrt(1 / a + 1 / b)
        odds = a / b * math.exp(max(min(random.gauss(0, 4) * width, 600), -600))
        if 0 < odds / (1 + odds) < 1:
            beta(odds / (1 + odds), a, b)
        if 1e-300 < odds < 1e300:
            fisher(odds * b / a, 2 * a, 2 * b)
        discrete()
        noncentral()


main(int(sys.argv[1]) if len(sys.argv) > 1 else 12, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
