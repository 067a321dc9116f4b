"""How many steps a second do many learners side by side make, on the backend at hand?

Linear learners, networks and Hordes in batched loops; time of a step of the whole batch, and
lane-steps a second. On a GPU name fewer sizes where its memory is small.
Run: python benchmarks/throughput.py
"""

import argparse

import jax
import numpy as np
from measure import first_call, machine, table

import alberta_framework as af

KEY = jax.random.key(0)
STREAM = af.SuttonExperiment1Stream()
LINEAR = af.LinearLearner(af.IDBD(0.05, 0.01))
NETWORK = af.MLPLearner(
    (128, 128), af.LMS(0.1), bounder=af.ObGDBounding(), normalizer=af.EMANormalizer()
)


def horde() -> af.HordeLearner:
    demons = [
        af.GVFSpec(f"demon {i}", af.DemonType.PREDICTION, 0.9, 0.5, i % 20) for i in range(200)
    ]
    spec = af.create_horde_spec(demons)
    return af.HordeLearner(spec, (64, 64), af.LMS(0.1), bounder=af.ObGDBounding())


def streamed(loop, learner, lanes, steps):
    keys = jax.random.split(KEY, lanes)
    return lambda: loop(learner, STREAM, steps, keys, record_window=steps).metrics


def transitions(learner, lanes, steps):
    rng = np.random.default_rng(0)
    x, following = np.float32(rng.normal(size=(2, steps, 20)))
    cumulants, keys = np.float32(rng.normal(size=(steps, 200))), jax.random.split(KEY, lanes)
    loop = af.run_horde_learning_loop_batched
    return lambda: loop(learner, x, cumulants, following, keys, record_window=steps).td_errors


def cases(most: int):
    """Name, lanes, steps and what to run."""
    for lanes, steps in ((1, 5000), (100, 5000), (10_000, 2000), (100_000, 500)):
        if lanes <= most:
            loop = af.run_learning_loop_batched
            yield "linear IDBD, 20", lanes, steps, streamed(loop, LINEAR, lanes, steps)
    for lanes, steps in ((1, 2000), (100, 1000), (1000, 500), (10_000, 100)):
        if lanes <= most:
            loop = af.run_mlp_learning_loop_batched
            yield "MLP 128x128", lanes, steps, streamed(loop, NETWORK, lanes, steps)
    for lanes, steps in ((1, 1000), (100, 500), (1000, 100)):
        if lanes <= most:
            yield "Horde, 200 demons, 64x64", lanes, steps, transitions(horde(), lanes, steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=100, help="the largest number of lanes")
    rows = []
    for name, lanes, steps, run in cases(parser.parse_args().most):
        first = first_call(run)
        warm = min(first_call(run) for _ in range(2))
        rate = f"{lanes * steps / warm:,.0f}"
        rows.append((name, lanes, f"{warm / steps * 1e6:.1f}", rate, f"{first:.1f}"))
    print(f"Many learners side by side; {machine()}, {jax.devices()[0].device_kind}\n")
    table(("learner", "lanes", "us a step", "lane-steps a second", "first call s"), rows)


if __name__ == "__main__":
    main()
