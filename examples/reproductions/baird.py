"""Baird's counterexample: off policy TD diverges, gradient TD does not."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import section

import alberta_framework as af

GAMMA, SEEDS = 0.99, 400
START = np.float32([1, 1, 1, 1, 1, 1, 10, 1])
FEATURES = np.zeros((7, 8), np.float32)
FEATURES[:6, :6], FEATURES[:6, 7], FEATURES[6, 6:] = 2 * np.eye(6), 1, (1, 2)
ONE_STEP = {"lamda": 0.0, "weight_expectation": True}
ROWS = [
    # what, learner, steps, what is told, published, band
    ("TD(0), step size 0.01", af.OffPolicyTD(0.01, 0.0), 1_000, "at the end", "about 550", None),
    (
        "TDC(0), one-step form, 0.005 and 0.05",
        af.GradientTD(0.005, 0.05, **ONE_STEP),
        7_000,
        "at the end",
        "1.934",
        (1.91, 1.95),
    ),
    (
        "TDC(0), trace form, 0.005 and 0.05",
        af.GradientTD(0.005, 0.05, 0.0),
        50_000,
        "at the end",
        "1.95",
        (1.65, 2.25),
    ),
    (
        "GTD2(0), trace form, 0.005 and 0.05",
        af.GradientTD(0.005, 0.05, 0.0, variant="gtd2"),
        50_000,
        "at the end",
        "2.01",
        (1.71, 2.31),
    ),
]


@eqx.filter_jit
def errors(learner: af.GradientTD | af.OffPolicyTD, visited: jax.Array) -> jax.Array:
    """VE [seeds, steps] after each step: the root of the mean squared value of the states."""
    features = jnp.asarray(FEATURES)

    def step(state, pair):
        here, there = pair
        rho = jnp.where(there == 6, 7.0, 0.0)
        state = learner.update(state, features[here], 0.0, features[there], GAMMA, rho).state
        return state, jnp.sqrt(jnp.mean((features @ state.weights) ** 2))

    def one(path):
        state = learner.init(8).replace(weights=jnp.asarray(START))
        return jax.lax.scan(step, state, (path[:-1], path[1:]))[1]

    return jax.vmap(one)(visited)


def reproduce() -> tuple:
    import matplotlib.pyplot as plt

    figures = []
    picture, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for what, learner, steps, when, published, band in ROWS:
        visited = jr.randint(jr.key(0), (SEEDS, steps + 1), 0, 7)
        curves = np.asarray(errors(learner, visited))
        figures.append(section.of_values(f"{what}: VE {when}", published, curves[:, -1], band))
        axes.plot(np.arange(1, steps + 1), np.median(curves, axis=0), label=what)
    axes.set(xlabel="steps", ylabel="VE, median of the seeds", xscale="log", yscale="log")
    axes.legend(fontsize=8)
    text = f"""
Seven states, eight weights, reward 0, discount {GAMMA}. The behaviour goes to each state alike, the
target policy always to the seventh: the ratio is 7 there and 0 elsewhere. From the weights
(1, 1, 1, 1, 1, 1, 10, 1); VE is the root of the mean squared value of the seven states, whose true
value is 0, and at the start 5.3. {SEEDS} seeds, the state after every step drawn anew.

Source: the setting of R. S. Sutton and A. G. Barto (2018), figures 11.2 and 11.5; the figures to
compare with are those of an independent float64 program.
"""
    verdict = """
TD(0) diverges: of its VE nothing but the size means anything. The others descend the projected
Bellman error, which reaches 0 where VE is near 2: with these features VE does not vanish.
"""
    title = "Baird's counterexample: gradient TD off policy"
    return section.Section(title, text, tuple(figures), verdict, "baird.png"), picture


if __name__ == "__main__":
    section.main(reproduce, __file__)
