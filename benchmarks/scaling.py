"""How do time, memory and compilation grow with seeds, demons and features?

Each row runs in a process of its own: seconds of the first call less those of a warm one (tracing
and compilation), microseconds per step of the warm one (all seeds or demons together), and by how
much the calls raised the peak of the resident memory. Below each table stand the growth exponents:
of the first two rows, of the last two, and of all by least squares; 1 is linear.

- seeds: `sweep` of IDBD on SuttonExperiment1Stream (20 inputs) at one point.
- demons: a Horde of linear demons (IDBD) on 20 shared inputs, window means.
- features: one learner (IDBD) on RandomWalkStream.

Run: python benchmarks/scaling.py
"""

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
from measure import first_call, interleaved_medians, machine, table

import alberta_framework as af

SIZES = {
    "seeds": (1, 10, 100, 1_000),
    "demons": (10, 100, 1_000, 10_000),
    "features": (10, 100, 1_000, 10_000),
}
# Fewer steps where each takes long, so that a row takes seconds.
STEPS = {1: 20_000, 10: 20_000, 100: 10_000, 1_000: 2_000, 10_000: 500}
QUANTITIES = ("us per step", "MB", "compile s")


def seeds(count: int, steps: int):
    keys = jax.random.split(jax.random.key(0), count)
    learner = af.LinearLearner(af.IDBD(0.05), use_bias=False)
    stream = af.SuttonExperiment1Stream()

    def run():
        return af.sweep(learner, stream, {}, num_steps=steps, keys=keys).metrics["squared_error"]

    return run


def demons(count: int, steps: int):
    rng = np.random.default_rng(0)
    x, following = rng.normal(size=(2, steps, 20)).astype(np.float32)
    cumulants = rng.normal(size=(steps, count)).astype(np.float32)
    kind = af.DemonType.PREDICTION
    specs = [af.GVFSpec(f"demon {i}", kind, 0.9, 0.9, i) for i in range(count)]
    horde = af.HordeLearner(af.create_horde_spec(specs), (), af.IDBD(0.01))
    state = horde.init(20, jax.random.key(0))

    def run():
        result = af.run_horde_learning_loop(
            horde, state, x, cumulants, following, record_window=steps // 10
        )
        return result.td_errors

    return run


def features(count: int, steps: int):
    learner = af.LinearLearner(af.IDBD(max(1e-4, 0.1 / count)), use_bias=False)
    stream, key = af.RandomWalkStream(count), jax.random.key(0)

    def run():
        return af.run_learning_loop(learner, stream, steps, key, record_window=steps // 10)[1]

    return run


KINDS = {"seeds": seeds, "demons": demons, "features": features}


def peak() -> float:
    """The peak of the resident memory so far, in MB."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # What `getrusage` says begins, on Linux, at the peak of the process that started this one.
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def measured(kind: str, size: int, repeats: int) -> dict[str, float]:
    steps = STEPS[size]
    run = KINDS[kind](size, steps)
    jax.block_until_ready(jax.random.key(0))
    before = peak()
    first = first_call(run)
    warm = interleaved_medians({"run": run}, repeats)["run"]
    numbers = (warm / steps * 1e6, peak() - before, first - warm)
    return dict(zip(QUANTITIES, numbers, strict=True))


def exponent(sizes: np.ndarray, values: np.ndarray) -> float:
    """The slope of the logarithm of the values over that of the sizes."""
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(values, 1e-6)), 1)[0])


def in_a_process(kind: str, size: int, repeats: int) -> dict[str, float]:
    command = [sys.executable, __file__, f"--kind={kind}", f"--size={size}"]
    done = subprocess.run(
        [*command, f"--repeats={repeats}"], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=SIZES, help="one of the tables")
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        print(json.dumps(measured(options.kind, options.size, options.repeats)))
        return
    print(f"{machine()}; median of {options.repeats}")
    for kind, sizes in SIZES.items():
        if options.only not in (None, kind):
            continue
        found = [in_a_process(kind, size, options.repeats) for size in sizes]
        rows = [
            (f"{size:,}", f"{STEPS[size]:,}", *(f"{each[name]:.4g}" for name in QUANTITIES))
            for size, each in zip(sizes, found, strict=True)
        ]
        for label, part in (
            ("first", slice(0, 2)),
            ("last", slice(-2, None)),
            ("all", slice(None)),
        ):
            slopes = [
                exponent(np.array(sizes)[part], np.array([each[name] for each in found])[part])
                for name in QUANTITIES
            ]
            rows.append((f"exponent, {label}", "", *(f"{slope:.2f}" for slope in slopes)))
        print()
        table((kind, "steps", *QUANTITIES), rows)


if __name__ == "__main__":
    main()
