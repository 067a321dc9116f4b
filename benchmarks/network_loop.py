"""How fast is a network's loop? 64x64, 20 inputs, LMS, ObGDBounding, EMANormalizer.

Against a scan of the same arithmetic written by hand in plain JAX, of one seed, with nothing of
the library in it: no rejected steps, no counts, no metrics but the error. And what a step costs
with and without the check that rejects bad steps.
Run: python benchmarks/network_loop.py
"""

import argparse
import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
from measure import first_call, interleaved_medians, machine, table

import alberta_framework as af

STEPS, INPUTS, WIDTH = 20_000, 20, 64
STEP_SIZE, KAPPA, DECAY, SLOPE, EPSILON = 1.0, 2.0, 0.99, 0.01, 1e-8


def hidden(w, b, x):
    u = w @ x + b
    u = u - jnp.mean(u)
    u = u / jnp.sqrt(jnp.mean(u**2) + 1e-5)
    return jnp.where(u >= 0.0, u, SLOPE * u)


def output(params, x):
    (w0, b0), (w1, b1), (w2, b2) = params
    return (w2 @ hidden(w1, b1, hidden(w0, b0, x)) + b2)[0]


@jax.jit
def by_hand(params, xs, ys):
    """Elsayed's bounded step on an exponentially weighted normalization."""

    def one(carry, now):
        params, mean, var, n = carry
        x, y = now
        n = n + 1.0
        rate = jnp.maximum(1.0 - DECAY, 1.0 / (n + 1.0))
        dx = x - mean
        mean = mean + rate * dx
        var = jnp.maximum((1.0 - rate) * (var + rate * dx**2), EPSILON)
        x = (x - mean) / (jnp.sqrt(var) + EPSILON)
        prediction, gradient = jax.value_and_grad(output)(params, x)
        error = y[0] - prediction
        size = sum(jnp.sum(jnp.abs(STEP_SIZE * g)) for g in jax.tree.leaves(gradient))
        bound = KAPPA * jnp.maximum(jnp.abs(error), 1.0) * size
        factor = error * STEP_SIZE / jnp.maximum(bound, 1.0)
        params = jax.tree.map(lambda w, g: w + factor * g, params, gradient)
        return (params, mean, var, n), jnp.stack([error**2, error, factor])

    start = params, jnp.zeros(INPUTS), jnp.ones(INPUTS), jnp.float32(0.0)
    return jax.lax.scan(one, start, (xs, ys))


def without_check() -> None:
    """Let every step through: what the learner would be without rejection."""
    import equinox as eqx

    from alberta_framework.learners import acceptance

    def taken(accepted, candidate, state):
        del accepted
        return eqx.tree_at(lambda s: s.life, candidate, state.life.advance(jnp.bool_(True)))

    acceptance.all_finite = lambda tree: jnp.bool_(True)
    acceptance.accepted_or_unchanged = taken
    acceptance.nan_unless = lambda accepted, outputs: outputs


def measured(repeats: int, check: bool) -> dict[str, float]:
    """Microseconds of a step of each, and the seconds of their first calls."""
    if not check:
        without_check()
    rng = np.random.default_rng(0)
    xs = jnp.asarray(rng.normal(size=(STEPS, INPUTS)).astype(np.float32))
    ys = xs[:, :1] - xs[:, 1:2] * xs[:, 2:3]
    learner = af.MLPLearner(
        (WIDTH, WIDTH),
        af.LMS(STEP_SIZE),
        bounder=af.ObGDBounding(KAPPA),
        normalizer=af.EMANormalizer(EPSILON, DECAY),
    )
    stream, key = af.ArrayStream(xs, ys), jax.random.key(0)
    state = learner.init(INPUTS, key)
    params = tuple(zip(state.params.weights, state.params.biases, strict=True))

    def library():
        return af.run_mlp_learning_loop(learner, stream, STEPS, key, state)

    def hand():
        return by_hand(params, xs, ys)

    errors = np.asarray(library()[1])[:, 0], np.asarray(hand()[1])[:, 0]
    ends = [float(np.mean(error[-1000:])) for error in errors]
    assert np.isclose(*ends, rtol=0.1), ends  # the same arithmetic
    jax.clear_caches()
    fns = {"hand": hand, "library": library}
    found = {f"first {name}": first_call(fn) for name, fn in fns.items()}
    warm = interleaved_medians(fns, repeats)
    return found | {name: seconds / STEPS * 1e6 for name, seconds in warm.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--child", choices=["auto", "plain", "no-check"])
    options = parser.parse_args()
    if options.child is not None:
        print(json.dumps(measured(options.repeats, options.child != "no-check")))
        return

    def run(mode):
        command = [sys.executable, __file__, "--child", mode, "--repeats", str(options.repeats)]
        form = "plain" if mode == "plain" else "auto"
        output = subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"ALBERTA_COMPILATION": form},
        ).stdout
        return json.loads(output.splitlines()[-1])

    figures = {mode: run(mode) for mode in ("auto", "plain", "no-check")}
    print(f"64x64, {INPUTS} inputs, {STEPS:,} steps; {machine()}\n")
    names = {
        "auto": "run_mlp_learning_loop",
        "plain": "  the same, ALBERTA_COMPILATION=plain",
        "no-check": "  the same, no step rejected",
    }
    rows = [
        (
            names[mode],
            f"{found['library']:.2f}",
            f"{found['hand']:.2f}",
            f"{found['library'] / found['hand']:.2f}",
            f"{found['first library'] / found['first hand']:.2f}",
        )
        for mode, found in figures.items()
    ]
    table(("what", "us per step", "scan by hand", "ratio", "first calls"), rows)
    cost = figures["auto"]["library"] / figures["no-check"]["library"] - 1
    print(f"\nrejection costs {cost * 100:+.0f}% of a step; targets: ratio 1.05, rejection 10%")


if __name__ == "__main__":
    main()
