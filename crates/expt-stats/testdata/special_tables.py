"""Prints the coefficients of src/special/tables.rs (mpmath, 60 digits).

A rational function interpolates at Chebyshev points; the printed error is the largest relative one at 400 points.
"""

from mpmath import cos, erf, erfc, erfinv, euler, exp, factorial, log, loggamma, lu_solve, matrix, mp, mpf, nstr, pi
from mpmath import polyval, sqrt

mp.dps = 60


def rational(f, low, high, m, n):
    low, high = mpf(low), mpf(high)
    size = m + n + 1
    system, right = matrix(size, size), matrix(size, 1)
    for i in range(size):
        x = (low + high) / 2 + (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * size))
        right[i] = f(x)
        for j in range(m + 1):
            system[i, j] = x**j
        for j in range(1, n + 1):
            system[i, m + j] = -right[i] * x**j
    solution = lu_solve(system, right)
    p = [solution[j] for j in range(m + 1)]
    q = [mpf(1)] + [solution[m + j] for j in range(1, n + 1)]
    points = (low + (high - low) * (mpf(k) + 0.5) / 400 for k in range(400))
    error = max(abs(polyval(p[::-1], x) / polyval(q[::-1], x) / f(x) - 1) for x in points)
    return p, q, error


def show(name, coefficients, doc):
    print(f"/// {doc}\npub(super) const {name}: [f64; {len(coefficients)}] = [")
    for c in coefficients:
        print(f"    {float(c)!r},")
    print("];\n")


def show_rational(name, doc, *arguments):
    p, q, error = rational(*arguments)
    show(f"{name}_P", p, f"{doc} (error {nstr(error, 2)}).")
    show(f"{name}_Q", q, "Its denominator.")


def scaled_tail(x):
    return exp(x * x / 2) * erfc(x / sqrt(mpf(2))) / 2


def centre(s):
    return erf(sqrt(s / 2)) / 2 / sqrt(s)


def quantile(depth):
    """The z with ln P(Z > z) = -depth."""
    z = sqrt(2 * depth) if depth > 5 else mpf(1)
    for _ in range(60):
        tail = erfc(z / sqrt(mpf(2))) / 2
        step = (log(tail) + depth) * tail * sqrt(2 * pi) * exp(z * z / 2)
        z += step
        if abs(step) < mpf(10) ** -50:
            return z


def central_quantile(square):
    return sqrt(mpf(2)) * erfinv(2 * sqrt(square)) / sqrt(square)


def stirling(t):
    x = 1 / t
    return (loggamma(x) - ((x - 0.5) * log(x) - x + log(2 * pi) / 2)) / t


def ln_gamma_1p(a):
    return loggamma(1 + a) / (a * (1 - a)) if a else -euler


tiny = mpf(10) ** -30
p, _, error = rational(centre, tiny, mpf(0.65) ** 2, 8, 0)
show("CENTRE", p, f"`P(0 < Z < x) / x` in x^2, below 0.65 (error {nstr(error, 2)}).")
show_rational("MIDDLE", "`exp(x^2/2) P(Z > x)`, numerator, between 0.65 and 5", scaled_tail, 0.65, 5, 7, 8)
show_rational(
    "FAR", "x times exp(x^2/2) P(Z > x), numerator in 1/x^2, above 5",
    lambda t: scaled_tail(1 / sqrt(t)) / sqrt(t), tiny, mpf(1) / 25, 6, 6,
)
show_rational(
    "QUANTILE_CENTRE", "z / (1/2 - q), numerator in 0.16 - (1/2 - q)^2",
    lambda r: central_quantile(mpf("0.16") - r), 0, mpf("0.16") - tiny, 7, 7,
)
for name, low, high, m, n in (("NEAR", "1.5", "3.5", 7, 7), ("MIDDLE", "3.5", "8", 7, 6), ("FAR", "8", "27.5", 8, 7)):
    show_rational(
        f"QUANTILE_{name}", f"z, numerator in sqrt(-ln q) - {low}, up to {high}",
        lambda r: quantile((r + mpf(low)) ** 2), 0, mpf(high) - mpf(low), m, n,
    )
show_rational("STIRLING", "x times the Stirling error, numerator in 1/x, x from 1 to 10", stirling, mpf(1) / 10, 1, 8, 8)
show_rational("LN_GAMMA_1P", "`ln Γ(1 + a) / (a (1 - a))`, numerator, a from 0 to 1", ln_gamma_1p, tiny, 1 - tiny, 7, 7)

g, squared = [mpf(1)], [mpf(1)]
for k in range(1, 34):
    second = sum(g[j] * g[k - j] for j in range(1, k))
    third = sum(squared[j] * g[k - j] for j in range(1, k))
    g.append(-(second + third + squared[k - 1]) / (k + 2))
    squared.append(2 * g[k] + second)
show("GAMMA_JACOBIAN", g, "The solution of `G - e G' = G^3 + e G^2`, `G(0) = 1`, in e: see `central.rs`.")

sinh = [1 / (mpf(4) ** k * factorial(2 * k + 1)) for k in range(16)]
root = [mpf(1)]
for k in range(1, 16):
    root.append(sum((mpf(-0.5) * j - (k - j)) * sinh[j] * root[k - j] for j in range(1, k + 1)) / k)
show("STUDENT_SERIES", root, "`sqrt((L/2) / sinh(L/2))` as a power series in `L^2`, |L| < 2 π.")
