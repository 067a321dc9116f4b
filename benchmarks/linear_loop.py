"""How fast is `run_learning_loop`? IDBD on SuttonExperiment1Stream, 20 inputs, 100,000 steps.

Against a plain `lax.scan` over `stream.step` and `learner.update` in one jit (what a user would
write), and against a numba loop over data drawn before (what the arithmetic costs).
Run: python benchmarks/linear_loop.py
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np
from measure import first_call, interleaved_medians, machine, table

import alberta_framework as af

STEPS = 100_000


@jax.jit
def plain_scan(learner, stream, state, stream_state):
    def one(carry, idx):
        state, stream_state = carry
        step, stream_state = stream.step(stream_state, idx)
        result = learner.update(state, step.observation, step.target)
        return (result.state, stream_state), result.metrics

    return jax.lax.scan(one, (state, stream_state), jnp.arange(STEPS))


def numba_loop():
    """IDBD over drawn data, one scalar at a time; returns None without numba."""
    try:
        import numba
    except ImportError:
        return None

    @numba.njit
    def run(xs, ys, initial, theta):
        d = xs.shape[1]
        one = np.float32(1.0)
        w, h = np.zeros(d, np.float32), np.zeros(d, np.float32)
        beta = np.full(d, np.log(initial), np.float32)
        b, hb, ab = np.float32(0.0), np.float32(0.0), np.float32(initial)
        metrics = np.empty((len(xs), 3), np.float32)
        for t in range(len(xs)):
            y = b
            for i in range(d):
                y += w[i] * xs[t, i]
            e = ys[t] - y
            total = np.float32(0.0)
            for i in range(d):
                x = xs[t, i]
                step = beta[i] + theta * e * x * h[i]
                beta[i] = min(max(step, np.float32(-10.0)), np.float32(2.0))
                a = np.exp(beta[i])
                total += a
                change = a * e * x
                w[i] += change
                h[i] = h[i] * max(np.float32(0.0), one - a * x * x) + change
            ab = min(max(ab * np.exp(theta * e * hb), np.float32(1e-6)), one)
            b += ab * e
            hb = hb * max(np.float32(0.0), one - ab) + ab * e
            metrics[t, 0], metrics[t, 1], metrics[t, 2] = e * e, e, total / d
        return metrics

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    key, theta = jax.random.key(0), 0.01
    stream, learner = af.SuttonExperiment1Stream(), af.LinearLearner(af.IDBD(0.05, theta))

    def ours(key=key, theta=theta):
        return af.run_learning_loop(af.LinearLearner(af.IDBD(0.05, theta)), stream, STEPS, key)

    def baseline():
        state = learner.init(stream.feature_dim)
        return plain_scan(learner, stream, state, stream.init(key))

    first = {"plain scan": first_call(baseline), "run_learning_loop": first_call(ours)}
    events = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, *_, **__: (
            events.append(name) if name.endswith("backend_compile_duration") else None
        )
    )
    second = first_call(lambda: ours(jax.random.key(1), 0.02))
    compilations = len(events)
    experience, _ = jax.jit(stream.rollout, static_argnums=1)(stream.init(key), STEPS)
    xs, ys = np.asarray(experience.observation), np.asarray(experience.target)[:, 0]
    arrays = af.ArrayStream(experience.observation, experience.target)
    rollout = jax.jit(lambda stream, state: stream.rollout(state, 4000)[0])
    fns = {
        "plain scan": baseline,
        "run_learning_loop": ours,
        "  same, drawn before (ArrayStream)": lambda: af.run_learning_loop(
            learner, arrays, STEPS, key
        ),
        "  rollout alone, 25 x 4,000": lambda: [
            rollout(stream, stream.init(key)) for _ in range(25)
        ],
    }
    compiled_loop = numba_loop()
    if compiled_loop is not None:
        fns["numba loop, drawn before"] = lambda: compiled_loop(
            xs, ys, np.float32(0.05), np.float32(theta)
        )
    medians = interleaved_medians(fns, repeats)
    base = medians["plain scan"]
    print(f"IDBD on SuttonExperiment1Stream, 20 inputs, {STEPS:,} steps; {machine()}")
    print(f"warm, median of {repeats}, interleaved; ratio to the plain scan\n")
    rows = [
        (name, f"{seconds / STEPS * 1e6:.3f}", f"{seconds / base:.3f}")
        for name, seconds in medians.items()
    ]
    table(("what", "us per step", "ratio"), rows)
    if compiled_loop is not None:
        factor = medians["run_learning_loop"] / medians["numba loop, drawn before"]
        print(f"\nrun_learning_loop against the numba loop: {factor:.1f} times")
    ratio = first["run_learning_loop"] / first["plain scan"]
    print(
        f"first call, compilation included: plain scan {first['plain scan']:.2f} s, "
        f"run_learning_loop {first['run_learning_loop']:.2f} s, ratio {ratio:.2f}"
    )
    print(
        f"second call with another key and meta_step_size: {compilations} compilations, "
        f"{second:.3f} s"
    )


if __name__ == "__main__":
    main()
