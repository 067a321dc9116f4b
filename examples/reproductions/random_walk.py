"""TD(lambda) with accumulating traces on the random walk of 19 states."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import section

import alberta_framework as af

# The figures to compare with are means of 100 seeds, which vary by more than the band they are
# given; 2,000 seeds keep our own share of that small.
STATES, EPISODES, SEEDS, STEPS = 19, 10, 2_000, 6_000
# lamda, step size, RMS error of an independent float64 program.
TABLE = [
    (0.0, 0.82, 0.346),
    (0.4, 0.70, 0.275),
    (0.8, 0.32, 0.265),
    (0.9, 0.20, 0.293),
    (0.95, 0.12, 0.334),
    (1.0, 0.02, 0.503),
]


def errors_after_episodes(step_size, lamda, keys):
    """RMS errors [seeds, episodes] after each of the first ten episodes."""
    stream = af.RandomWalkChainStream(STATES, gamma=1.0, left_reward=-1.0, right_reward=1.0)
    optimizer = af.TDIDBD(initial_step_size=step_size, meta_step_size=0.0, trace_decay=lamda)
    learner = af.TDLinearLearner(optimizer, use_bias=False)
    truth = jnp.arange(-9, 10) / 10

    def run(key):
        walk, _ = stream.rollout(stream.init(key), STEPS)

        def step(state, now):
            state, _ = learner.learn(state, now)
            return state, jnp.sqrt(jnp.mean((state.weights - truth) ** 2))

        _, errors = jax.lax.scan(step, learner.init(STATES), walk)
        (ends,) = jnp.nonzero(walk.gamma == 0.0, size=EPISODES, fill_value=STEPS)
        return errors.at[ends].get(mode="fill", fill_value=jnp.nan)

    return jax.vmap(run)(keys)


def reproduce() -> tuple:
    import matplotlib.pyplot as plt

    keys = jax.random.split(jax.random.key(0), SEEDS)
    sweep = eqx.filter_jit(eqx.filter_vmap(errors_after_episodes, in_axes=(0, 0, None)))
    lamdas, step_sizes, _ = (np.float32(column) for column in zip(*TABLE, strict=True))
    found = np.asarray(sweep(step_sizes, lamdas, keys))
    figures = [
        section.of_values(
            f"lambda {lamda:g}, step size {size:g}",
            f"{value:.3f}",
            errors.mean(1),
            (value - 0.005, value + 0.005),
        )
        for lamda, size, value, errors in zip(*zip(*TABLE, strict=True), found, strict=True)
    ]
    grid = np.arange(0.02, 1.01, 0.04, dtype=np.float32)
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for lamda in lamdas:
        curve = np.asarray(sweep(grid, np.full_like(grid, lamda), keys[:100])).mean((1, 2))
        axes.plot(grid, np.where(curve < 1.0, curve, np.nan), label=f"λ {lamda:g}")
    axes.set(xlabel="step size", ylabel="RMS error, first 10 episodes", ylim=(0.2, 0.6))
    axes.legend(fontsize=8)
    text = """
Start in the middle, -1 for leaving left and +1 right, no discount, values from 0; root mean square
error over the 19 states after each episode, mean of the first ten episodes and 2,000 seeds, at the
best step size of a grid of 0.02.

Source: the setting of R. S. Sutton and A. G. Barto (2018), section 12.1, and of H. van Seijen et
al. (2016); the figures to compare with are those of an independent float64 program, 100 seeds, with
a band of 0.005.
"""
    verdict = "The curves have the shapes of the book's figures 12.3 and 12.6."
    title = "Random walk: TD(λ) with accumulating traces"
    return section.Section(title, text, tuple(figures), verdict, "random_walk.png"), figure


if __name__ == "__main__":
    section.main(reproduce, __file__)
