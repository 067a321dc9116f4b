"""How fast is a Horde whose demons trace a whole shared trunk? 20 inputs, LMS, or with ObGD.

Every step reads and writes the traces of all demons: their bytes, and how fast they go by, are told
beside the machine's own copying. Targets: 100 demons on a trunk of 2x128 at least 1,000 steps a
second, 1,000 demons on 64x64 at least 100.
Run: python benchmarks/exact_traces.py
"""

import itertools
import time
from collections.abc import Callable

import jax
import numpy as np
from measure import first_call, interleaved_medians, machine, table

import alberta_framework as af

INPUTS = 20
CASES = ((10, (64, 64), 2_000, None), (100, (128, 128), 1_000, 1_000), (1_000, (64, 64), 200, 100))


def horde(demons: int, hidden: tuple[int, ...], **changes) -> af.HordeLearner:
    spec = af.create_horde_spec(
        [
            af.GVFSpec(f"demon {i}", af.DemonType.PREDICTION, gamma, 0.8, -1)
            for i, gamma in enumerate(np.linspace(0.0, 0.95, demons).tolist())
        ]
    )
    return af.HordeLearner(spec, hidden, af.LMS(0.01 / demons), **changes)


def loop(learner: af.HordeLearner, xs: np.ndarray, cumulants: np.ndarray) -> Callable:
    state = learner.init(INPUTS, jax.random.key(0))
    run = af.run_horde_learning_loop
    return lambda: run(learner, state, xs[:-1], cumulants, xs[1:]).td_errors


def copied_per_second() -> float:
    """Bytes that NumPy reads and writes in a second."""
    source = np.ones(16_000_000, np.float32)
    target = np.empty_like(source)
    times = []
    for _ in range(9):
        start = time.perf_counter()
        np.copyto(target, source)
        times.append(time.perf_counter() - start)
    return 2 * source.nbytes / sorted(times)[4]


def main() -> None:
    rng = np.random.default_rng(0)
    print(f"Exact traces through a shared trunk; {machine()}\n")
    rows = []
    for (demons, hidden, steps, target), bounder in itertools.product(
        CASES, (None, af.ObGDBounding())
    ):
        learner = horde(demons, hidden, trunk_traces="per_demon", bounder=bounder)
        xs = rng.normal(size=(steps + 1, INPUTS)).astype(np.float32)
        cumulants = rng.normal(size=(steps, demons)).astype(np.float32)

        loops = {
            "traces": loop(learner, xs, cumulants),
            "none": loop(horde(demons, hidden, bounder=bounder), xs, cumulants),
        }
        first = first_call(loops["traces"])
        seconds = {name: s / steps for name, s in interleaved_medians(loops, 5).items()}
        size = sum(z.nbytes for z in learner.init(INPUTS, jax.random.key(0)).trunk_traces)
        rows.append(
            (
                f"{demons:,}",
                "x".join(map(str, hidden)),
                "ObGD" if bounder else "none",
                f"{seconds['traces'] * 1e6:.0f}",
                f"{1 / seconds['traces']:,.0f}",
                f"{target:,}" if target else "",
                f"{size / 1e6:.1f}",
                f"{2 * size / seconds['traces'] / 1e9:.1f}",
                f"{seconds['none'] * 1e6:.0f}",
                f"{first:.1f}",
            )
        )
    table(
        (
            "demons",
            "trunk",
            "bound",
            "us a step",
            "steps/s",
            "target",
            "traces MB",
            "GB/s",
            "without traces us",
            "first call s",
        ),
        rows,
    )
    print(f"\nGB/s: of one reading and one writing; NumPy copies {copied_per_second() / 1e9:.1f}.")


if __name__ == "__main__":
    main()
