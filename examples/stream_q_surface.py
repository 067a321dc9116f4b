"""How much does it matter how StreamQ is set? A surface over discount, trace and bound.

StreamQ(lambda) on CartPole at every combination of four values each of gamma, lamda and ObGD's
kappa, 10 seeds of 100,000 steps: 640 lives, which are one compiled program. Scored is the mean
return of the episodes that end in the last fifth of the steps, 500 at most. Rewards are scaled with
a discount of 0.99 throughout. The surface is drawn to stream_q_surface.png. A few minutes on two
cores.

Run: python examples/stream_q_surface.py [--quick]
"""

import sys
import time

import jax
import matplotlib.pyplot as plt
import numpy as np

import alberta_framework as af

GAMMAS, LAMDAS, KAPPAS = [0.9, 0.97, 0.99, 0.997], [0.0, 0.5, 0.8, 0.95], [1.0, 2.0, 3.0, 4.0]
PATHS = "agent.agent.optimizer.kappa", "agent.agent.gamma", "agent.agent.lamda"


def main(steps: int = 100_000, seeds: int = 10) -> None:
    agent = af.WithFeatures(
        af.StreamQ(n_actions=2, epsilon=af.Linear(1.0, 0.01, steps // 20)),
        af.Pipeline((af.RewardScaler(0.99), af.ObservationNormalizer())),
    )
    last, start = steps // 5, time.perf_counter()
    result = af.sweep(
        agent,
        af.CartPole(),
        dict(zip(PATHS, (KAPPAS, GAMMAS, LAMDAS), strict=True)),
        num_steps=steps,
        keys=jax.random.split(jax.random.key(0), seeds),
        # One window is the last fifth: every episode that ends in it counts alike.
        record=af.WindowMean(last),
        metrics=["episode_return"],
        progress=True,
    )
    took = time.perf_counter() - start
    shape = len(KAPPAS), len(GAMMAS), len(LAMDAS), seeds
    returns = result.scores("episode_return", last=last).reshape(shape)
    print(f"{returns.size} lives of {steps:,} steps in {took:.0f} s")
    print("return, mean over seeds  " + "".join(f"  lamda {lamda:<5}" for lamda in LAMDAS))
    for kappa, planes in zip(KAPPAS, returns, strict=True):
        for gamma, row in zip(GAMMAS, planes, strict=True):
            cells = (f"{one.mean():4.0f} ± {error(one):<4.0f}" for one in row)
            print(f"kappa {kappa:.0f}, gamma {gamma:<11}" + "".join(f"{c:>13}" for c in cells))
    draw(returns)


def error(scores: np.ndarray) -> float:
    """The standard error of a mean over seeds."""
    return scores.std(ddof=1) / np.sqrt(len(scores))


def draw(returns: np.ndarray) -> None:
    figure, axes = plt.subplots(2, 2, figsize=(7.2, 6.6), sharex=True, sharey=True)
    figure.set_layout_engine("constrained")
    for ax, kappa, plane in zip(axes.flat, KAPPAS, returns, strict=True):
        image = ax.imshow(plane.mean(-1), vmin=0, vmax=500, cmap="viridis", origin="lower")
        for i, j in np.ndindex(plane.shape[:2]):
            mean, spread = plane[i, j].mean(), error(plane[i, j])
            dark = mean < 300
            text = f"{mean:.0f}\n± {spread:.0f}"
            ax.text(j, i, text, ha="center", va="center", color="w" if dark else "k", fontsize=9)
        ax.set_title(f"κ = {kappa:.0f}", fontsize=11)
        ax.set_xticks(range(len(LAMDAS)), [f"{lamda:g}" for lamda in LAMDAS])
        ax.set_yticks(range(len(GAMMAS)), [f"{gamma:g}" for gamma in GAMMAS])
        ax.tick_params(length=0)
    figure.supxlabel("trace decay λ", fontsize=11)
    figure.supylabel("discount γ", fontsize=11)
    figure.colorbar(image, ax=axes, shrink=0.6, label="mean return of the last episodes")
    seeds = returns.shape[-1]
    figure.suptitle(
        f"StreamQ(λ) on CartPole: return, mean ± standard error of {seeds} seeds", fontsize=12
    )
    figure.savefig("stream_q_surface.png", dpi=150)


if __name__ == "__main__":
    main(*([1_000, 2] if "--quick" in sys.argv else []))
