"""What does it cost to keep a network able to learn? A step of a learning loop with and without.

A network of two hidden layers of 128 units on 64 inputs, in one life, with optimizers from the
cheapest to the dearest. Times are of the process, medians of runs that take turns.
Run: python benchmarks/plasticity.py
"""

import argparse
import statistics
import time

import jax
from measure import machine, table

import alberta_framework as af

FEATURES, UNITS, STEPS, REPEATS = 64, (128, 128), 3_000, 9
# Of continual backprop; the others have none.
TARGET = 1.10
OPTIMIZERS = {
    "LMS": {"optimizer": af.LMS(0.01)},
    "LMS, ObGDBounding": {"optimizer": af.LMS(1.0), "bounder": af.ObGDBounding()},
    "IDBD": {"optimizer": af.IDBD()},
    "Autostep": {"optimizer": af.Autostep()},
}
CHEAP = {
    "ContinualBackprop": af.ContinualBackprop(),
    "ReDo": af.ReDo(),
    "SelfNormalizedResets": af.SelfNormalizedResets(),
    "PlasticityMonitor": af.PlasticityMonitor(),
}
OTHERS = {
    "L2Init": af.L2Init(),
    "WeightClipping": af.WeightClipping(),
    "SpectralPenalty": af.SpectralPenalty(),
    "HareAndTortoise": af.HareAndTortoise(),
    "ShrinkAndPerturb": af.ShrinkAndPerturb(),
    "UPGD": af.UPGD(),
    "SoftReset": af.SoftReset(),
}


def loops(parts: dict, methods: dict) -> dict:
    stream, key = af.RandomWalkStream(FEATURES), jax.random.key(0)

    def run(method):
        learner = af.MLPLearner(UNITS, plasticity=method, **parts)
        return lambda: jax.block_until_ready(
            af.run_mlp_learning_loop(learner, stream, STEPS, key)[1]
        )

    return {name: run(method) for name, method in ({"none": None} | methods).items()}


def costs(fns: dict) -> dict[str, float]:
    """Median microseconds a step."""
    for fn in fns.values():
        fn()
    times = {name: [] for name in fns}
    for _ in range(REPEATS):
        for name, fn in fns.items():
            start = time.process_time()
            fn()
            times[name].append((time.process_time() - start) / STEPS * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    rows = []
    for name, parts in OPTIMIZERS.items():
        found = costs(loops(parts, CHEAP | (OTHERS if name == "LMS" else {})))
        for method, cost in found.items():
            ratio = cost / found["none"]
            told = ""
            if method == "ContinualBackprop":
                told = "yes" if ratio <= TARGET else "NO"
            rows.append((name, method, f"{cost:.2f}", f"{ratio:.2f}", told))
    print(machine())
    table(("optimizer", "plasticity", "us/step", "ratio", f"<= {TARGET}"), rows)


if __name__ == "__main__":
    main()
