"""What does forgetting cost? `FADE` beside `IDBD`, in `run_learning_loop` of a linear learner.

FADE learns a decay rate beside each step size: twice the state, and two exponentials where IDBD
has one. Experiences are drawn before, so that what is compared is learning; `--drawn` has the
stream draw them instead, 20 inputs of `SuttonExperiment1Stream`. Target: at most 1.25 times IDBD.
Run: python benchmarks/forgetting.py
"""

import argparse

import jax
import numpy as np
from measure import interleaved_medians, machine, table

import alberta_framework as af

TARGET = 1.25
# Inputs, and steps of a call.
SIZES = ((20, 100_000), (1_000, 10_000))


def recorded(inputs: int, steps: int) -> af.ArrayStream:
    """Normal inputs, of which a quarter make up the target; small enough to be stable."""
    rng = np.random.default_rng(0)
    x = np.float32(rng.normal(size=(steps, inputs)) * (20 / inputs) ** 0.5)
    weights = np.where(np.arange(inputs) < inputs // 4, 1.0, 0.0)
    return af.ArrayStream(x, np.float32(x @ weights))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--drawn", action="store_true", help="draw 20 inputs while learning")
    given = parser.parse_args()
    sizes = SIZES[:1] if given.drawn else SIZES
    optimizers = {"IDBD": af.IDBD(0.05, 0.001), "FADE": af.FADE(0.05, 0.001)}
    learners = {name: af.LinearLearner(one, use_bias=False) for name, one in optimizers.items()}
    print(f"run_learning_loop of a LinearLearner; {machine()}")
    print(f"warm, median of {given.repeats}, interleaved; target: {TARGET} times IDBD\n")
    rows, key = [], jax.random.key(0)
    for inputs, steps in sizes:
        stream = af.SuttonExperiment1Stream() if given.drawn else recorded(inputs, steps)
        fns = {
            name: lambda learner=learner, stream=stream, steps=steps: af.run_learning_loop(
                learner, stream, steps, key
            )
            for name, learner in learners.items()
        }
        medians = interleaved_medians(fns, given.repeats)
        rows += [
            (inputs, name, f"{seconds / steps * 1e6:.3f}", f"{seconds / medians['IDBD']:.2f}")
            for name, seconds in medians.items()
        ]
    table(("inputs", "optimizer", "us per step", "times IDBD"), rows)


if __name__ == "__main__":
    main()
