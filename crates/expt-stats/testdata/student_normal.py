#!/usr/bin/env python3
"""Prints the expansions of Student's t about the normal distribution for `special/tables.rs`, as exact fractions.

With s = df - 1/2, u = 1 / s^2 and tau^2 = s ln(1 + t^2 / df), tau has the density N(u) phi(tau) h(tau^4 u) where
h = sqrt((L/2) / sinh(L/2)), L = tau^2 / s. Let z be the normal variable with the same tail. Then
    z   = tau + u b1(tau) + u^2 b2(tau) + ...      ln z' - z^2/2 = ln N + ln h(tau^4 u) - tau^2/2
    tau = z + u a1(z) + u^2 a2(z) + ...            ln tau' + ln N + ln h(tau^4 u) - tau^2/2 = -z^2/2
At each order this is c' - x c = (what the lower orders leave) + constant, which has one odd polynomial solution.
"""
from fractions import Fraction
from math import comb, factorial

ORDERS = 4


def plus(a, b):
    return [(a[i] if i < len(a) else 0) + (b[i] if i < len(b) else 0) for i in range(max(len(a), len(b)))]


def times(a, b):
    out = [Fraction(0)] * max(len(a) + len(b) - 1, 0)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] += x * y
    return out


def series_times(a, b):
    out = [[] for _ in range(ORDERS + 1)]
    for i in range(ORDERS + 1):
        for j in range(ORDERS + 1 - i):
            out[i + j] = plus(out[i + j], times(a[i], b[j]))
    return out


def scaled(a, factor):
    return [[x * factor for x in p] for p in a]


def series_plus(a, b):
    return [plus(x, y) for x, y in zip(a, b)]


def unit():
    return [[Fraction(1)]] + [[] for _ in range(ORDERS)]


def logarithm(a):
    """ln of a series whose first polynomial is 1."""
    rest, power, out = [[]] + a[1:], unit(), [[] for _ in range(ORDERS + 1)]
    for m in range(1, ORDERS + 1):
        power = series_times(power, rest)
        out = series_plus(out, scaled(power, Fraction((-1) ** (m + 1), m)))
    return out


def ln_h():
    """Coefficients of ln h in L^2: -1/2 ln(sinh(x) / x) at x = L/2."""
    bernoulli = [Fraction(1)]
    for m in range(1, 2 * ORDERS + 1):
        bernoulli.append(-sum(comb(m + 1, k) * b for k, b in enumerate(bernoulli)) / (m + 1))
    return [Fraction(0)] + [-bernoulli[2 * n] / (4 * n * factorial(2 * n)) for n in range(1, ORDERS + 1)]


def of_fourth_power(x):
    """ln h(x^4 u) for a series x."""
    square = series_times(x, x)
    fourth, power, out = series_times(square, square), unit(), [[] for _ in range(ORDERS + 1)]
    for n, c in enumerate(ln_h()[1:], 1):
        power = series_times(power, fourth)
        out = series_plus(out, [[] for _ in range(n)] + scaled(power, c)[: ORDERS + 1 - n])
    return out


def solve(quantile):
    x = [[Fraction(0), Fraction(1)]] + [[] for _ in range(ORDERS)]
    for k in range(1, ORDERS + 1):
        slope = logarithm([[i * c for i, c in enumerate(p)][1:] for p in x])
        left = series_plus(slope, scaled(series_times(x, x), Fraction(-1, 2)))
        if quantile:
            left = series_plus(left, of_fourth_power(x))
        else:
            plain = [[Fraction(0), Fraction(1)]] + [[] for _ in range(ORDERS)]
            left = series_plus(left, scaled(of_fourth_power(plain), -1))
        rest = left[k]
        solution = [Fraction(0)] * (len(rest) + 1)
        for d in range(len(rest) - 1, 0, -1):
            solution[d - 1] = (d + 1) * solution[d + 1] + rest[d]
        while solution and solution[-1] == 0:
            solution.pop()
        x[k] = solution
    return x


for name, quantile in (("TAIL", False), ("QUANTILE", True)):
    for k, p in enumerate(solve(quantile)[1:], 1):
        odd = p[1::2]
        print(f"pub(super) const STUDENT_{name}_{k}: [f64; {len(odd)}] = [")
        for c in odd:
            print(f"    {float(c)!r}, // {c}")
        print("];")
