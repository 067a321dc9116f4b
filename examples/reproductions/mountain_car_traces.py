"""Sarsa(lambda) with linear values and four kinds of traces on the mountain car."""

import jax.random as jr
import numpy as np
import section

import alberta_framework as af

# The figures to compare with are means of 20 runs, which vary by about their band; 100 runs keep
# our own share of that small.
RUNS, EPISODES, STEPS = 100, 50, 20_000
ALPHAS = (0.5, 0.8, 1.0, 1.2, 1.5)
# Steps per episode of an independent float64 program, at each alpha.
TABLE = {
    "lambda 0": (284, 247, 237, 231, 231),
    "replacing, lambda 0.9": (210, 192, 188, 184, 183),
    "true online, lambda 0.9": (187, 182, 177, 178, 185),
    "accumulating, lambda 0.9": {0.3: 214.8},
}


def agent(name: str, alpha: float) -> af.WithFeatures:
    # The tiles span the positions up to the goal.
    coder = af.TileCoder([-1.2, -0.07], [0.5, 0.07], tilings=8, tiles=8)
    step_size, greedy = alpha / coder.tilings, af.Constant(0.0)
    if name == "true online, lambda 0.9":
        own = af.TrueOnlineSarsa(3, step_size, 0.9, epsilon=greedy)
    else:
        trace = af.Replacing() if name.startswith("replacing") else af.Accumulating()
        lamda = 0.0 if name == "lambda 0" else 0.9
        own = af.LinearSarsa(3, step_size, lamda, trace, epsilon=greedy)
    return af.WithFeatures(own, coder)


def steps_per_episode(name: str, alpha: float) -> np.ndarray:
    """The mean of the first episodes, for each run."""
    environment = af.MountainCar(max_steps=STEPS)
    keys = jr.split(jr.key(0), RUNS)
    result = af.interact_batched(agent(name, alpha), environment, STEPS, keys)
    lengths = np.asarray(result.metrics["episode_length"])
    first = [run[np.isfinite(run)][:EPISODES] for run in lengths]
    if any(len(run) < EPISODES for run in first):
        raise RuntimeError(f"{name}, alpha {alpha}: fewer than {EPISODES} episodes in a run.")
    return np.array([run.mean() for run in first])


def reproduce() -> tuple:
    import matplotlib.pyplot as plt

    figures = []
    picture, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for name, published in TABLE.items():
        told = (
            published if isinstance(published, dict) else dict(zip(ALPHAS, published, strict=True))
        )
        own = {alpha: steps_per_episode(name, alpha) for alpha in told}
        for alpha, means in own.items():
            value = told[alpha]
            quantity = f"{name}, alpha {alpha}"
            band = value - 4.0, value + 4.0
            figures.append(section.of_values(quantity, f"{value:g}", means, band))
        spread = [1.96 * means.std(ddof=1) / RUNS**0.5 for means in own.values()]
        heights = [means.mean() for means in own.values()]
        axes.errorbar(list(own), heights, spread, marker="o", markersize=3, capsize=2, label=name)
    axes.set(xlabel="alpha (step size times 8 tilings)", ylabel="steps per episode, first 50")
    axes.legend(fontsize=8)
    text = f"""
`LinearSarsa` and `TrueOnlineSarsa` in the compiled program: eight tilings of 8 by 8 tiles over
positions from -1.2 to 0.5, the goal, and velocities up to 0.07, each displaced by (1, 3) eighths of
a tile; no random actions, since values of zero are optimistic; no discount, no time limit; step
size alpha / 8. Steps per episode, mean of the first {EPISODES} episodes, {RUNS} runs.

Source: the setting of R. S. Sutton and A. G. Barto (2018), figures 10.4, 12.10 and 12.11; the
figures to compare with are those of an independent float64 program (20 runs, accumulating 150),
with a band of 4 steps.
"""
    verdict = """
As in the book's figure 12.11: true online Sarsa(λ) is best at every alpha up to 1.2, and
accumulating traces bear only small steps.
"""
    title = "Mountain car: the kinds of traces"
    found = section.Section(title, text, tuple(figures), verdict, "mountain_car_traces.png")
    return found, picture


if __name__ == "__main__":
    section.main(reproduce, __file__)
