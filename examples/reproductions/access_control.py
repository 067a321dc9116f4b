"""Differential Sarsa and Q-learning on access-control queuing, tables of action values."""

import jax
import numpy as np
import section

import alberta_framework as af

SEEDS, STEPS, WINDOW = 10, 2_000_000, 20_000
AGENTS = {
    "differential Sarsa": (af.DifferentialSARSA, 2.641, 0.004),
    "differential Q-learning": (af.DifferentialQ, 2.639, 0.003),
}
LEAST, BEST, BEST_EXPLORING = 2.63, 2.7476, 2.6469


def lived(kind):
    """Reward and average reward as estimated [seeds, windows]; alpha = beta = 0.01, epsilon 0.1."""
    agent = kind(
        2, af.LinearNetwork(2), af.LMS(0.01), reward_rate_step_size=0.01, epsilon=af.Constant(0.1)
    )
    keys = jax.random.split(jax.random.key(0), SEEDS)
    found = af.interact_batched(agent, af.AccessControl(), STEPS, keys, record_window=WINDOW)
    return np.asarray(found.metrics["reward"]), np.asarray(found.metrics["average_reward"])


def reproduce() -> tuple:
    import matplotlib.pyplot as plt

    figures = []
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for name, (kind, published, spread) in AGENTS.items():
        rewards, rates = lived(kind)
        half = rewards.shape[1] // 2
        quantity = f"{name}: reward rate over the second half"
        told = f"{published} ± {spread} (sd)"
        values = rewards[:, half:].mean(1)
        figures.append(section.of_values(quantity, told, values, (LEAST, BEST_EXPLORING)))
        figures.append(
            section.of_values(f"{name}: its estimate, last {WINDOW:,} steps", "", rates[:, -1])
        )
        steps = WINDOW * np.arange(1, rewards.shape[1] + 1) / 1e6
        for axes, curves in ((left, rewards), (right, rates)):
            (line,) = axes.plot(steps, curves.mean(0), label=name)
            axes.fill_between(
                steps, curves.min(0), curves.max(0), color=line.get_color(), alpha=0.2, lw=0
            )
    left.set(ylabel="reward a step", title="earned", ylim=(2.4, 2.8))
    right.set(title="as estimated, the average reward r̄")
    for axes in (left, right):
        axes.set_xlabel("million steps")
        axes.axhline(BEST_EXPLORING, color="0.4", lw=0.8, ls="--", label="best with ε 0.1")
        axes.axhline(BEST, color="0.4", lw=0.8, ls=":", label="best")
    left.legend(fontsize=8, loc="lower right")
    text = f"""
Ten servers, customers of priority 1, 2, 4 and 8 paying as much, every busy server free again with
probability 0.06, the one just given included. Tables of 44 pairs of free servers and priority for
both actions, zero at first; step sizes of values and average reward 0.01, lambda 0, epsilon 0.1;
{STEPS:,} steps, {SEEDS} seeds, all in one program.

Source: the setting of R. S. Sutton and A. G. Barto (2018), example 10.2, and of Y. Wan, A. Naik and
R. S. Sutton (2021). The book shows a picture of one run; the figures to compare with are those of
an independent float64 program, 10 seeds. The band is from {LEAST} to the best that can be earned
with epsilon 0.1, {BEST_EXPLORING}, by relative value iteration; without exploration it is {BEST}.
"""
    verdict = """
At a constant step size the estimate of the average reward is noisy, and that of Q-learning is about
the greedy policy, not about the one that acts: what an agent earns is the mean of its rewards.
Numbers of about 2.68 that papers give are those of servers that cannot become free in the step in
which they are given out, where the best is 2.6732.
"""
    title = "Access-control queuing: differential Sarsa and Q-learning"
    return section.Section(title, text, tuple(figures), verdict, "access_control.png"), figure


if __name__ == "__main__":
    section.main(reproduce, __file__)
