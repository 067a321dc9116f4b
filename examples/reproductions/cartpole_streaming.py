"""StreamQ, StreamSARSA and StreamAC on CartPole, against an independent replication."""

import time

import numpy as np
import section

import alberta_framework as af

SEEDS, STEPS = 10, 200_000
# Mean episode return in the first 10%, 10-20%, 40-50% and 80-100% of the steps, and the standard
# error of the last, of an independent float64 replication of the authors' algorithm.
PUBLISHED = {
    "StreamQ(0.8)": (92, 291, 437, 436, 25),
    "StreamSARSA(0.8)": (108, 443, 405, 419, 25),
    "StreamAC(0.8)": (255, 419, 460, 473, 12),
    "StreamQ(0.8), AdaptiveObGD": (101, 365, 417, 374, 46),
    "StreamQ(0.8), bootstrapping": (104, 460, 500, 491, 6),
    "StreamAC(0.8), bootstrapping": (275, 466, 499, 486, 11),
    "StreamAC(0)": (220, 431, 442, 468, 18),
}
BOOTSTRAPPING = "StreamQ(0.8), bootstrapping"
LEAST = 480.0
WINDOWS = ((0, 10), (10, 20), (40, 50), (80, 100))


def agents() -> dict:
    epsilon = af.Linear(1.0, 0.01, STEPS // 20)
    end = {"bootstrap_on_truncation": False}
    policy, adaptive = af.SoftmaxPolicy(2), af.AdaptiveObGD(kappa=2.0)
    found = {
        "StreamQ(0.8)": af.StreamQ(2, epsilon=epsilon, **end),
        "StreamSARSA(0.8)": af.StreamSARSA(2, epsilon=epsilon, **end),
        "StreamAC(0.8)": af.StreamAC(policy, **end),
        "StreamQ(0.8), AdaptiveObGD": af.StreamQ(2, optimizer=adaptive, epsilon=epsilon, **end),
        BOOTSTRAPPING: af.StreamQ(2, epsilon=epsilon),
        "StreamAC(0.8), bootstrapping": af.StreamAC(policy),
        "StreamAC(0)": af.StreamAC(policy, lamda=0.0, **end),
    }
    parts = af.RewardScaler(0.99), af.ObservationNormalizer(), af.TimeFeature(500)
    return {name: af.WithFeatures(agent, af.Pipeline(parts)) for name, agent in found.items()}


def windows_of(result: af.ControlResult, name: str) -> list[str]:
    """The mean over seeds of the mean return of the episodes that ended in each window."""
    curves = result.curves(name)
    share = curves.at / STEPS * 100
    told = []
    for low, high in WINDOWS:
        there = (share > low) & (share <= high)
        counts = curves.counts[0][:, there]
        sums = np.where(counts > 0, curves.returns[0][:, there] * counts, 0.0)
        told.append(f"{(sums.sum(1) / counts.sum(1)).mean():.0f}")
    return told


def reproduce() -> tuple:
    started = time.perf_counter()
    comparison = af.ControlComparison(
        "streaming agents on CartPole", af.CartPole(), agents(), steps=STEPS, seeds=SEEDS
    )
    result = af.run_control_comparison(comparison)
    took = af.format_duration(time.perf_counter() - started)
    figures, rows = [], []
    for standing in result.standings:
        *first, last, error = PUBLISHED[standing.agent]
        score = standing.score
        reach = 2.5 * float(np.hypot(error, score.sem))
        band = last - reach, last + reach
        quantity = f"{standing.agent}: {score.mean:.1f} ± {score.sem:.1f}"
        figures.append(section.of_standing(quantity, f"{last} ± {error}", standing, band))
        scores = result.scores(standing.agent)[0]
        rows.append(
            [
                standing.agent,
                *windows_of(result, standing.agent),
                ", ".join(map(str, (*first, last))),
                f"{scores.min():.0f} / {scores.max():.0f}",
            ]
        )
        if standing.agent == BOOTSTRAPPING:
            least = LEAST, 500.0
            figures.append(section.of_standing("the same, at least 480", "480", standing, least))
    diverged = sum(int(agent.diverged.sum()) for agent in result.agents.values())
    rejected = sum(int(agent.rejected.sum()) for agent in result.agents.values())
    text = """
CartPole with a limit of 500 steps; networks of two layers of 32, sparse at the start; rewards
scaled, observations normalized, the time since the start of the episode shown; 200,000 steps, 10
seeds; ε from 1 to 0.01 over 10,000 steps. Mean return of the episodes that ended in the last 20% of
the steps, ± one standard error over seeds. Two rows bootstrap at the limit of 500 steps; the others
take it for an end, as the authors' scripts do.

Source: M. Elsayed, G. Vasan and A. R. Mahmood (2024), Streaming Deep Reinforcement Learning Finally
Works, arXiv:2410.14606, whose results are curves; the figures to compare with are those of an
independent float64 replication of their algorithm, 10 seeds, with a band of 2.5 combined standard
errors.
"""
    headers = [f"{low}-{high}%" for low, high in WINDOWS]
    table = section.markdown_table(
        ["agent", *headers, "replication", "worst / best seed at the end"], rows
    )
    verdict = f"""
Learning: mean return of the episodes that ended in each part of the steps, and the replication's.

{table}

Of {SEEDS * len(rows)} lives {diverged} hold a number that became NaN; {rejected} steps were
rejected. Took {took}.
"""
    title = "CartPole: streaming deep reinforcement learning"
    found = section.Section(title, text, tuple(figures), verdict, "cartpole_streaming.png")
    return found, af.plot_control_comparison(result)


if __name__ == "__main__":
    section.main(reproduce, __file__)
