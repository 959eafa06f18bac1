#!/usr/bin/env python3
"""What other statistics packages take for what `expt-benches -- stats` measures.

Prints one JSON object a line: peer, version, what, ns (thread CPU time of one item, the best of several passes).
A part whose package is not installed says nothing, so that the script can run in several environments.
"""
import json
import os
import time
from importlib import metadata

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"

import numpy as np

ROUNDS = 7
METRICS = 1_000
random = np.random.default_rng(1)


def measure(package, what, items, work, rounds=ROUNDS):
    """Repeats short work, so that the clock costs nothing, and reports the best round."""
    repeats = 1
    while True:
        begun = time.thread_time()
        for _ in range(repeats):
            work()
        taken = time.thread_time() - begun
        if taken >= 0.01 or repeats >= 1 << 16:
            break
        repeats *= 2
    best = taken
    for _ in range(rounds if taken < 2 else 1):
        begun = time.thread_time()
        for _ in range(repeats):
            work()
        best = min(best, time.thread_time() - begun)
    line = {"peer": package, "version": metadata.version(package), "what": what}
    print(json.dumps({**line, "ns": best / (repeats * items) * 1e9}), flush=True)


def arms():
    """Counts, means and variances of two arms for each metric, and the covariance with a covariate."""
    base = random.normal(5, 1, METRICS)
    size = lambda: random.integers(1_000, 100_000, METRICS)
    spread = lambda: random.gamma(4, 1, METRICS)
    control = dict(n=size(), mean=base, var=spread())
    treatment = dict(n=size(), mean=base + random.normal(0, 0.02, METRICS), var=spread())
    return control, treatment


def scipy_part(control, treatment):
    from scipy import stats

    sides = lambda arm, at=slice(None): (arm["mean"][at], np.sqrt(arm["var"][at]), arm["n"][at])
    test = lambda at=slice(None): stats.ttest_ind_from_stats(
        *sides(treatment, at), *sides(control, at), equal_var=False
    )
    measure("scipy", "welch columns", METRICS, test)
    measure("scipy", "welch loop", METRICS, lambda: [test(i) for i in range(METRICS)])


def statsmodels_part():
    from scipy.special import ndtr
    from statsmodels.stats.multitest import multipletests

    z = random.normal(0, 1, 1_000_000) + 3 * (random.uniform(size=1_000_000) < 0.1)
    p = 2 * ndtr(-np.abs(z))
    for method in ("fdr_bh", "holm"):
        measure("statsmodels", method, len(p), lambda: multipletests(p, 0.05, method))
    few = p[:2_000]
    measure("statsmodels", "hommel", len(few), lambda: multipletests(few, 0.05, "hommel"))


def numpy_part():
    y = random.normal(5, 2, 10_000_000)
    x = 0.8 * y + random.normal(0, 1, len(y))

    def cuped():
        mean_x, mean_y = x.mean(), y.mean()
        centred = x - mean_x
        theta = np.dot(centred, y - mean_y) / np.dot(centred, centred)
        adjusted = y - theta * centred
        return adjusted.mean(), adjusted.var(ddof=1)

    measure("numpy", "cuped rows", len(y), cuped)


def tea_tasting_part(control, treatment):
    import tea_tasting
    from tea_tasting.aggr import Aggregates

    def aggregates(arm):
        for n, mean, var in zip(arm["n"], arm["mean"], arm["var"]):
            mean, var = float(mean), float(var)
            means, variances = {"y": mean, "x": mean}, {"y": var, "x": var}
            yield Aggregates(int(n), means, variances, {("x", "y"): 0.5 * var})

    pairs = list(zip(aggregates(control), aggregates(treatment)))
    plain, adjusted = tea_tasting.Mean("y"), tea_tasting.Mean("y", covariate="x")
    for what, metric in (("welch", plain), ("cuped", adjusted)):
        run = lambda: [metric.analyze_aggregates(a, b) for a, b in pairs]
        measure("tea-tasting", what, METRICS, run, 3)


def gbstats_part(control, treatment):
    from gbstats.frequentist.tests import TwoSidedTTest
    from gbstats.models.statistics import SampleMeanStatistic

    def samples(arm):
        for n, mean, var in zip(arm["n"], arm["mean"], arm["var"]):
            n, mean, var = int(n), float(mean), float(var)
            yield SampleMeanStatistic(n=n, sum=n * mean, sum_squares=(n - 1) * var + n * mean * mean)

    pairs = list(zip(samples(control), samples(treatment)))
    run = lambda: [TwoSidedTTest(a, b).compute_result() for a, b in pairs]
    measure("gbstats", "welch", METRICS, run, 3)


def installed(package):
    try:
        metadata.version(package)
        return True
    except metadata.PackageNotFoundError:
        return False


def main():
    sides = arms()
    if installed("gbstats"):
        # It needs an old NumPy and has an environment of its own, where the others would not be at their best.
        return gbstats_part(*sides)
    if installed("scipy"):
        scipy_part(*sides)
    if installed("statsmodels"):
        statsmodels_part()
    if installed("tea-tasting"):
        tea_tasting_part(*sides)
    numpy_part()


main()
