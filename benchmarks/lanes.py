"""What does a step of a batched loop cost for each seed? Against the loop a user would write.

20 inputs, RandomWalkStream; by hand it is `jax.vmap` of one scan over `stream.step` and
`learner.update`. Networks have a trunk of 64x64. Both are warm, and take turns.
Then each form of a batch: lanes along the last axis, one lane's chunk after the other, and plain.
Run: python benchmarks/lanes.py
"""

import argparse
import importlib

import jax
from measure import first_call, interleaved_medians, machine, table

import alberta_framework as af

FEATURES = 20
SHAPES = ((20, 30), (20, 3000), (20, 10_000), (20, 30_000), (40, 30), (100, 30), (1000, 30))


def by_hand(learner, stream, steps):
    """Many seeds of one scan; the metrics of each step, as the library's loop returns them."""
    network = isinstance(learner, af.MLPLearner)

    def one(key):
        stream_key, learner_key = jax.random.split(key)
        state = learner.init(FEATURES, learner_key) if network else learner.init(FEATURES)

        def body(carry, idx):
            state, stream_state = carry
            step, stream_state = stream.step(stream_state, idx)
            result = learner.update(state, step.observation, step.target)
            return (result.state, stream_state), result.metrics

        start = (state, stream.init(stream_key if network else key))
        return jax.lax.scan(body, start, jax.numpy.arange(steps))

    return jax.jit(jax.vmap(one))


def in_each_form(repeats: int) -> list[tuple]:
    """IDBD with the bounds set to take either form; medians, since a form is compiled anew."""
    plans = importlib.import_module("alberta_framework.compilation.execution_plan")
    chunk = importlib.import_module("alberta_framework.loops.chunk")
    learner, rows = af.LinearLearner(af.IDBD()), []
    for inputs, seeds in SHAPES:
        steps = max(64, min(1000, 10**7 // (inputs * seeds)))
        stream = af.RandomWalkStream(feature_dim=inputs)
        keys = jax.block_until_ready(jax.random.split(jax.random.key(0), seeds))

        def run(stream=stream, steps=steps, keys=keys):
            return af.run_learning_loop_batched(learner, stream, steps, keys, record_window=steps)

        us = []
        for form in ("lanes last", "each lane", "plain"):
            plans._LARGEST_BYTES = 0 if form == "plain" else 10**12
            chunk._MOST_NUMBERS = 10**12
            chunk._FEWEST_LANES = 2 if form == "lanes last" else 10**12
            with af.compilation_mode("auto"):  # with nothing compiled before
                run()
                us.append(interleaved_medians({"": run}, repeats)[""] / steps / seeds * 1e6)
        rows.append((inputs, seeds, *(f"{cost:.2f}" for cost in us)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    stream = af.RandomWalkStream(feature_dim=FEATURES)
    network = af.MLPLearner(
        (64, 64), af.LMS(1.0), bounder=af.ObGDBounding(), normalizer=af.EMANormalizer()
    )
    learners = {
        "LMS": (af.LinearLearner(af.LMS(0.01)), 2000),
        "IDBD": (af.LinearLearner(af.IDBD()), 2000),
        "Autostep, EMANormalizer": (af.LinearLearner(af.Autostep(), af.EMANormalizer()), 2000),
        "64x64, LMS, ObGDBounding, EMANormalizer": (network, 500),
    }
    rows = []
    for name, (learner, steps) in learners.items():
        entrance = af.run_learning_loop_batched
        if isinstance(learner, af.MLPLearner):
            entrance = af.run_mlp_learning_loop_batched
        hand = by_hand(learner, stream, steps)
        for seeds in (10, 30, 100):
            keys = jax.block_until_ready(jax.random.split(jax.random.key(0), seeds))

            def library(learner=learner, steps=steps, keys=keys, entrance=entrance):
                return entrance(learner, stream, steps, keys)

            fns = {"hand": lambda hand=hand, keys=keys: hand(keys), "library": library}
            first = {which: first_call(fn) for which, fn in fns.items()}
            warm = interleaved_medians(fns, options.repeats)
            each = {which: f"{s / steps / seeds * 1e6:.3f}" for which, s in warm.items()}
            ratio = f"{warm['library'] / warm['hand']:.2f}"
            firsts = f"{first['library']:.1f}, {first['hand']:.1f}"
            rows.append((name, seeds, each["library"], each["hand"], ratio, firsts))
    print(f"Batched loops, {FEATURES} inputs; {machine()}\n")
    header = ("learner", "seeds", "us per step and seed", "by hand", "ratio", "first calls s")
    table(header, rows)
    print("\nIDBD, us per step and seed\n")
    rows = in_each_form(options.repeats)
    table(("inputs", "seeds", "lanes last", "lane after lane", "plain"), rows)


if __name__ == "__main__":
    main()
