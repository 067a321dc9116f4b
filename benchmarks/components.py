"""What does a method of a component cost by itself, outside `jit`? Beside a trivial dispatch.

20 features, or a tensor of 64x20; NumPy in. A trivial dispatch is a jitted `x + 1`.
Run: python benchmarks/components.py
"""

import argparse

import jax
import numpy as np
from measure import machine, table
from single_event import median_us

import alberta_framework as af

FEATURES, EVENTS, TARGET = 20, 1_000, 1.5


def calls() -> dict:
    x, e = np.ones(FEATURES, np.float32), 0.1
    tensor, bias = np.ones((64, FEATURES), np.float32), np.ones(64, np.float32)
    found = {}
    for optimizer in (af.LMS(), af.IDBD(), af.Autostep(), af.ObGD()):
        state, name = optimizer.init(FEATURES), type(optimizer).__name__
        found[f"{name}.update"] = (optimizer.update, (state, e, x))
    for optimizer in (af.LMS(), af.IDBD(), af.Autostep()):
        state, name = optimizer.init_for_shape(tensor.shape), type(optimizer).__name__
        found[f"{name}.update_from_gradient"] = (
            optimizer.update_from_gradient,
            (state, tensor, e),
        )
    for optimizer in (af.TDIDBD(), af.AutoTDIDBD()):
        state, name = optimizer.init(FEATURES), type(optimizer).__name__
        found[f"{name}.update"] = (optimizer.update, (state, e, x, x, 0.9))
    for normalizer in (af.EMANormalizer(), af.WelfordNormalizer()):
        state, name = normalizer.init(FEATURES), type(normalizer).__name__
        found[f"{name}.normalize"] = (normalizer.normalize, (state, x))
        found[f"{name}.normalize_only"] = (normalizer.normalize_only, (state, x))
    for bounder in (af.ObGDBounding(), af.AGCBounding()):
        pair = (tensor, bias)
        found[f"{type(bounder).__name__}.bound"] = (bounder.bound, (pair, e, pair))
    for stream in (af.RandomWalkStream(FEATURES), af.SuttonExperiment1Stream()):
        state = stream.init(jax.random.key(0))
        found[f"{type(stream).__name__}.step"] = (stream.step, (state, 0))
    learner = af.LinearLearner(af.IDBD())
    found["LinearLearner.update"] = (learner.update, (learner.init(FEATURES), x, 1.0))
    return found


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    trivial, one = jax.jit(lambda x: x + 1.0), np.ones(FEATURES, np.float32)
    base = median_us(lambda i: np.asarray(trivial(one)), EVENTS)
    rows = []
    for name, (method, arguments) in calls().items():
        cost = median_us(
            lambda i, method=method, arguments=arguments: jax.block_until_ready(method(*arguments)),
            EVENTS,
        )
        # The component's own numbers are one array more.
        arrays = len(jax.tree.leaves((arguments, method(*arguments)))) + 1
        rows.append((name, f"{cost:.0f}", arrays, f"{cost / base / arrays:.2f}"))
    print(f"Methods by themselves, synchronous dispatch; {machine()}")
    print(f"trivial dispatch {base:.1f} us; target: {TARGET} of it for each array in or out\n")
    table(("method", "us", "arrays", "trivial dispatches an array"), rows)


if __name__ == "__main__":
    main()
