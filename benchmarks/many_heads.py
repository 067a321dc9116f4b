"""How does the multi-head learner grow with its heads? And how near to memory bandwidth is an MLP?

12 features, trunk 64x64, LMS + ObGDBounding + EMANormalizer, loops of 2,000 steps.
Run: python benchmarks/many_heads.py
"""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np
from measure import first_call, machine, table

import alberta_framework as af

STEPS = 2_000


def warm_us(fn, steps, repeats=3) -> float:
    times = [first_call(fn) for _ in range(repeats)]
    return statistics.median(times) / steps * 1e6


def heads() -> None:
    rows, previous = [], None
    for n in (5, 50, 200, 1_000, 10_000):
        steps = STEPS if n <= 1_000 else 200
        learner = af.MultiHeadMLPLearner(
            n, (64, 64), af.LMS(0.01), bounder=af.ObGDBounding(), normalizer=af.EMANormalizer()
        )
        rng = np.random.default_rng(0)
        xs = jnp.asarray(rng.normal(size=(steps, 12)), jnp.float32)
        targets = jnp.asarray(rng.normal(size=(steps, n)), jnp.float32)
        state = learner.init(12, jax.random.key(0))

        def loop(learner=learner, state=state, xs=xs, targets=targets):
            return af.run_multi_head_learning_loop(learner, state, xs, targets)

        first = first_call(loop)
        cost = warm_us(loop, steps)
        exponent = ""
        if previous is not None:
            exponent = f"{np.log(cost / previous[1]) / np.log(n / previous[0]):.2f}"
        previous = n, cost
        rows.append(
            (f"{n:,}", f"{steps:,}", f"{first:.2f}", f"{cost:.1f}", f"{1e6 / cost:,.0f}", exponent)
        )
    table(("heads", "steps", "first call s", "us per step", "steps per s", "growth exponent"), rows)


def bandwidth_gb_s() -> float:
    """Read and write of an array far larger than the caches."""
    array = jnp.ones(2**26, jnp.float32)
    add = jax.jit(lambda a: a + 1.0)
    jax.block_until_ready(add(array))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        jax.block_until_ready(add(array))
        times.append(time.perf_counter() - start)
    return 2 * array.nbytes / statistics.median(times) / 1e9


def mlp() -> None:
    learner = af.MLPLearner((128, 128), af.LMS(0.01), bounder=af.ObGDBounding())
    stream = af.RandomWalkStream(20)
    state = learner.init(20, jax.random.key(0))
    cost = warm_us(
        lambda: af.run_mlp_learning_loop(learner, stream, 4_000, jax.random.key(0), state), 4_000
    )
    moved = sum(a.nbytes for a in jax.tree.leaves((state.params, state.traces)))
    gb_s = bandwidth_gb_s()
    # Parameters are read and written once and traces written once, at the least.
    floor = moved * 1.5 / gb_s / 1e3
    print(
        f"\nMLPLearner 128x128, 20 inputs: {cost:.1f} us per step; parameters and traces "
        f"{moved / 1e3:.0f} kB, at {gb_s:.1f} GB/s of memory bandwidth at least {floor:.1f} us "
        f"({cost / floor:.1f} times)"
    )


if __name__ == "__main__":
    print(f"{machine()}\n")
    heads()
    mlp()
