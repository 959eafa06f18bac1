"""Slow references for the online procedures, from their definitions: sets of test numbers, no running state.

`python3 online_fdr.py > online_fdr.json` writes the cases that tests/online_fdr.rs reads (Python 3.11).
"""
import json, math, random

def jm(j): return 0.07720838 * math.log(max(j, 2)) / (j * math.exp(math.sqrt(math.log(j))))
def power(j): return 0.4374901658 * j ** -1.6
def dep(j): return 0.139307 / (j * math.log(max(j, 2)) ** 3)

def run(name, p, alpha, end=None, **o):
    """end[j] >= j: number of the last test that starts before j's result is known."""
    n = len(p); p = [None] + list(p); end = [None] + list(end or range(1, n + 1))
    a, rej = [None], [None]
    for t in range(1, n + 1):
        past = range(1, t)
        known = [j for j in past if end[j] < t]
        R = [j for j in known if rej[j]]
        times = sorted(end[j] for j in R)
        D = len(R)
        def spend(gamma, w0, reward, free):
            """free(j): the known test j costs nothing."""
            costs = [j for j in past if not (j in known_set and free(j))]
            def place(since): return 1 + sum(1 for j in costs if j > since)
            x = w0 * gamma(place(0))
            for k, r in enumerate(times):
                x += (reward - w0 if k == 0 else reward) * gamma(place(r))
            return x
        known_set = set(known)
        if name == "lond":
            b = alpha * jm(t) / (sum(1 / i for i in range(1, t + 1)) if o.get("dep") else 1)
            x = b * (D + 1 if o.get("original", True) else max(D, 1))
        elif name == "lord_plus_plus":
            x = spend(jm, o["w0"], alpha, lambda j: False)
        elif name in ("lord3", "lord_dep"):
            W = [o["w0"]]
            for j in past: W.append(W[-1] - a[j] + (o["b0"] if rej[j] else 0))
            last = max(R, default=0)
            x = (jm(t - last) if name == "lord3" else dep(t)) * W[last]
        elif name == "lord_discard":
            x = min(o["tau"], spend(jm, o["w0"], o["tau"] * alpha, lambda j: p[j] > o["tau"]))
        elif name == "saffron":
            x = min(o["lambda"], (1 - o["lambda"]) * spend(power, o["w0"], alpha, lambda j: p[j] <= o["lambda"]))
        elif name == "addis":
            x = min(o["lambda"], (o["tau"] - o["lambda"]) * spend(power, o["w0"], alpha, lambda j: p[j] <= o["lambda"] or p[j] > o["tau"]))
        elif name == "alpha_investing":
            x = spend(power, o["w0"], alpha, lambda j: rej[j]); x = x / (1 + x)
        elif name == "alpha_spending":
            x = alpha * jm(t)
        elif name == "online_fallback":
            x = alpha * jm(t) + sum(a[j] for j in R if end[j] == t - 1)
        elif name == "addis_spending":
            N = sum(1 for j in past if not (j in known_set and (p[j] <= o["lambda"] or p[j] > o["tau"])))
            x = alpha * (o["tau"] - o["lambda"]) * power(1 + N)
        a.append(x); rej.append(p[t] <= x)
    return a[1:], rej[1:]


def main():
    random.seed(20)
    options = [("lond", {}), ("lond", {"original": False}), ("lond", {"dep": True}),
               ("lord_plus_plus", {"w0": .005}), ("lord3", {"w0": .005, "b0": .045}),
               ("lord_dep", {"w0": .005, "b0": .045}), ("lord_discard", {"w0": .005, "tau": .5}),
               ("saffron", {"w0": .025, "lambda": .5}), ("addis", {"w0": .025, "lambda": .25, "tau": .5}),
               ("alpha_investing", {"w0": .025}), ("alpha_spending", {}), ("online_fallback", {}),
               ("addis_spending", {"lambda": .25, "tau": .5})]
    cases = []
    for name, o in options:
        for overlap in (False, True):
            if overlap and name in ("lord3", "lord_dep"): continue
            n, share = 70, .25
            p = [float(f"{10 ** -random.uniform(1, 9) if random.random() < share else random.random():.6g}")
                 for _ in range(n)]
            end = [j + (int(random.expovariate(.1)) if overlap else 0) for j in range(1, n + 1)]
            levels, reject = run(name, p, .05, end, **o)
            cases.append({"name": name, "options": o, "p": p, "decision_times": end,
                          "levels": [float(f"{x:.13g}") for x in levels], "reject": reject})
    print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")

if __name__ == "__main__":
    main()
