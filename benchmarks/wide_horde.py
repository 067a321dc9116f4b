"""How fast is a Horde on a wide trunk? 30 demons, trunk of 1,024 units, 20 inputs, LMS, traces.

Against a scan of the same arithmetic written by hand in plain JAX, with nothing of the library in
it: no rejected steps, no counts, no metrics but the errors. Loops over arrays.
Run: python benchmarks/wide_horde.py
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np
from measure import first_call, interleaved_medians, machine, table

import alberta_framework as af

STEPS, INPUTS, DEMONS = 10_000, 20, 30
STEP_SIZE, SLOPE, LAMDA = 0.0001, 0.01, 0.9
GAMMAS = np.linspace(0.0, 0.99, DEMONS).astype(np.float32)


def hidden(trunk, x):
    w, b = trunk
    u = w @ x + b
    u = u - jnp.mean(u)
    u = u * jax.lax.rsqrt(jnp.mean(u**2) + 1e-5)
    return jnp.where(u >= 0.0, u, SLOPE * u)


@jax.jit
def by_hand(trunk, heads, xs, cumulants, next_xs):
    """TD(lambda) of every head, its trace by its own discount; the trunk learns from their sum."""

    def one(carry, now):
        trunk, (w, b), (zw, zb), decay = carry
        x, c, next_x = now
        values = w @ hidden(trunk, next_x) + b
        h, backward = jax.vjp(lambda t: hidden(t, x), trunk)
        errors = c + GAMMAS * values - (w @ h + b)
        (gradient,) = backward(errors @ w)
        trunk = jax.tree.map(lambda p, g: p + STEP_SIZE * g, trunk, gradient)
        zw, zb = decay[:, None] * zw + h, decay * zb + 1.0
        w, b = w + STEP_SIZE * errors[:, None] * zw, b + STEP_SIZE * errors * zb
        return (trunk, (w, b), (zw, zb), GAMMAS * LAMDA), errors

    w, b = heads
    start = trunk, heads, (jnp.zeros_like(w), jnp.zeros_like(b)), jnp.full(DEMONS, LAMDA)
    return jax.lax.scan(one, start, (xs, cumulants, next_xs))


def measured(width: int, repeats: int) -> dict[str, float]:
    demons = [
        af.GVFSpec(f"d{i}", af.DemonType.PREDICTION, float(g), LAMDA, -1)
        for i, g in enumerate(GAMMAS)
    ]
    horde = af.HordeLearner(af.create_horde_spec(demons), (width,), af.LMS(STEP_SIZE))
    state = horde.init(INPUTS, jax.random.key(0))
    rng = np.random.default_rng(0)
    xs = jnp.asarray(rng.normal(size=(STEPS + 1, INPUTS)), jnp.float32)
    cumulants = jnp.asarray(rng.normal(size=(STEPS, DEMONS)), jnp.float32)
    trunk = state.trunk_params.weights[0], state.trunk_params.biases[0]
    heads = state.head_params.weights[:, 0, :], state.head_params.biases[:, 0]

    def library():
        return af.run_horde_learning_loop(
            horde, state, xs[:-1], cumulants, xs[1:], chunk_size=STEPS
        ).state.head_params.weights

    def plain():
        return by_hand(trunk, heads, xs[:-1], cumulants, xs[1:])[0][1][0]

    first = first_call(library)
    np.testing.assert_allclose(library()[:, 0], plain(), rtol=2e-3, atol=2e-4)
    medians = interleaved_medians({"library": library, "by hand": plain}, repeats)
    return {"first": first} | {name: seconds / STEPS * 1e6 for name, seconds in medians.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    print(f"{machine()}\n")
    rows = []
    for width in (64, 256, 1024):
        found = measured(width, chosen.repeats)
        ratio = found["library"] / found["by hand"]
        rows.append(
            (
                f"{width:,}",
                f"{found['first']:.2f}",
                f"{found['library']:.2f}",
                f"{found['by hand']:.2f}",
                f"{ratio:.2f}",
            )
        )
    table(("trunk", "first call s", "us per step", "by hand us per step", "ratio"), rows)
