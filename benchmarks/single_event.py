"""What does one event cost? `predict` then `update` by the public API, beside a trivial dispatch.

5 heads, 12 features, trunk 64x64, ObGDBounding, EMANormalizer; NumPy in, results read back. One
process for each dispatch mode, since JAX takes the mode when its backend starts, and one without
the check that rejects bad steps, which a loop shows best.
Run: python benchmarks/single_event.py
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

EVENTS = 3_000


def median_us(fn, events=EVENTS) -> float:
    for i in range(300):
        fn(i)
    times = []
    for i in range(events):
        start = time.perf_counter()
        fn(i)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def without_check() -> None:
    """Let every step through: what the learners would be without rejection."""
    import equinox as eqx
    import jax.numpy as jnp

    from alberta_framework.learners import acceptance

    def taken(accepted, candidate, state):
        return eqx.tree_at(lambda s: s.life, candidate, state.life.advance(jnp.bool_(True)))

    acceptance.all_finite = lambda tree: jnp.bool_(True)
    acceptance.accepted_or_unchanged = taken
    acceptance.nan_unless = lambda accepted, outputs: outputs


def measured(check: bool) -> dict:
    import jax
    import numpy as np

    import alberta_framework as af

    if not check:
        without_check()
    rng = np.random.default_rng(0)
    xs = rng.normal(size=(EVENTS, 12)).astype(np.float32)
    targets = rng.normal(size=(EVENTS, 5)).astype(np.float32)
    trivial = jax.jit(lambda x: x + 1.0)
    figures = {"trivial": median_us(lambda i: np.asarray(trivial(xs[i])))}
    for name, optimizer in (("LMS", af.LMS(1.0)), ("Autostep", af.Autostep())):
        learner = af.MultiHeadMLPLearner(
            5, (64, 64), optimizer, bounder=af.ObGDBounding(), normalizer=af.EMANormalizer()
        )
        state = learner.init(12, jax.random.key(0))
        figures[f"{name} leaves"] = len(jax.tree.leaves(state))

        def event(i, learner=learner):
            nonlocal state
            np.asarray(learner.predict(state, xs[i]))
            result = learner.update(state, xs[i], targets[i])
            state = result.state
            np.asarray(result.predictions), np.asarray(result.errors)

        figures[f"{name} predict+update"] = median_us(event)

        def loop(learner=learner, state=state):
            return af.run_multi_head_learning_loop(learner, state, xs, targets)

        loop()
        loops = []
        for _ in range(5):
            start = time.perf_counter()
            loop()
            loops.append(time.perf_counter() - start)
        figures[f"{name} loop"] = statistics.median(loops) / EVENTS * 1e6
    learner, stream = af.LinearLearner(af.IDBD(0.05)), af.SuttonExperiment1Stream()
    experience, _ = stream.rollout(stream.init(jax.random.key(0)), 4_000)
    arrays = af.ArrayStream(experience.observation, experience.target)

    def linear_loop():
        return af.run_learning_loop(learner, arrays, 100_000, jax.random.key(0))

    linear_loop()
    loops = []
    for _ in range(7):
        start = time.perf_counter()
        linear_loop()
        loops.append(time.perf_counter() - start)
    figures["linear loop"] = statistics.median(loops) / 100_000 * 1e6
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", choices=["default", "synchronous", "no-check"])
    child = parser.parse_args().child
    if child is not None:
        import jax

        jax.config.update("jax_cpu_enable_async_dispatch", child == "default")
        print(json.dumps(measured(check=child != "no-check")))
        return

    def run(mode, **environment):
        command = [sys.executable, __file__, "--child", mode]
        output = subprocess.run(
            command, check=True, capture_output=True, text=True, env=os.environ | environment
        ).stdout
        return json.loads(output.splitlines()[-1])

    from measure import machine, table

    figures = {mode: run(mode) for mode in ("default", "synchronous", "no-check")}
    figures["synchronous, one thread"] = run("synchronous", PJRT_NPROC="1")
    print(f"predict then update of one event, median of {EVENTS:,}; {machine()}\n")
    rows = []
    modes = {
        "default": (40, 55),
        "synchronous": (20, 28),
        "synchronous, one thread": (20, 28),
    }
    for mode, targets in modes.items():
        found = figures[mode]
        for name, target in zip(("LMS", "Autostep"), targets, strict=True):
            cost = found[f"{name} predict+update"]
            ratio = f"{cost / found['trivial']:.1f}"
            leaves = found[f"{name} leaves"]
            rows.append(
                (mode, name, leaves, f"{found['trivial']:.1f}", f"{cost:.0f}", ratio, target)
            )
    table(
        ("dispatch", "optimizer", "leaves", "trivial us", "event us", "times trivial", "target"),
        rows,
    )
    print("\nrejection of bad steps, us per step with and without\n")
    with_check, without = figures["synchronous"], figures["no-check"]
    names = ("linear loop", "LMS loop", "Autostep loop", "LMS predict+update")
    table(
        ("what", "with", "without", "difference", "percent"),
        [
            (
                name,
                f"{with_check[name]:.2f}",
                f"{without[name]:.2f}",
                f"{with_check[name] - without[name]:+.2f}",
                f"{(with_check[name] / without[name] - 1) * 100:+.0f}",
            )
            for name in names
        ],
    )


if __name__ == "__main__":
    main()
