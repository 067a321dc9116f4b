"""A learner that lives through distribution shifts, beside a model that was fitted once.

Eight sensors predict a ninth number, and the world changes three times, unannounced:

    units       sensor 0 is from now on given in other units, 100 times the numbers
    relation    what the sensors say about the target is drawn anew
    dropouts    every fifth reading of sensor 1 is NaN

A least-squares model fitted to the first phase keeps its weights. The learners keep learning: LMS
with one step size, on the readings as they are and behind a normalizer, and Autostep, which adapts
a step size for each sensor and never overshoots. Printed is the mean squared error at the beginning
and at the end of each phase; nothing can do better than 0.01, the variance of the noise. Readings
that are no numbers are rejected, and so is a step that would put a number out of range into the
state. The picture is written to distribution_shift.png.

Run: python examples/distribution_shift.py [--quick]
"""

import sys

import jax
import matplotlib.pyplot as plt
import numpy as np

import alberta_framework as af

PHASES = ("as fitted", "units", "relation", "dropouts")
SENSORS, NOISE = 8, 0.1
NORMALIZER = af.EMANormalizer(decay=0.999)
LEARNERS = {
    "LMS": af.LinearLearner(af.LMS(0.02)),
    "LMS, normalized": af.LinearLearner(af.LMS(0.02), NORMALIZER),
    "Autostep, normalized": af.LinearLearner(af.Autostep(), NORMALIZER),
}


def readings(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Observations and targets of all phases, `length` each."""
    rng = np.random.default_rng(0)
    state = rng.normal(size=(len(PHASES) * length, SENSORS))
    before, after = rng.normal(size=(2, SENSORS))
    weights = np.where(np.arange(len(state))[:, None] < 2 * length, before, after)
    targets = (weights * state).sum(1) + NOISE * rng.normal(size=len(state))
    observations = state.copy()
    observations[length:, 0] *= 100.0
    observations[3 * length :: 5, 1] = np.nan
    return observations, targets


def fitted_once(observations: np.ndarray, targets: np.ndarray, length: int) -> np.ndarray:
    """The squared errors of the weights that fit the first phase best."""
    weights = np.linalg.lstsq(observations[:length], targets[:length])[0]
    return (targets - observations @ weights) ** 2


def main(length: int = 5_000) -> None:
    observations, targets = readings(length)
    stream = af.ArrayStream(observations, targets)
    errors = {"fitted once": fitted_once(observations, targets, length)}
    rejected = {}
    for name, learner in LEARNERS.items():
        state, metrics = af.run_learning_loop(learner, stream, len(targets), jax.random.key(0))
        errors[name] = np.asarray(metrics[:, 0], np.float64)
        rejected[name] = f"{state.rejected_count:,} of {len(targets):,} readings rejected"
    for part, chosen in {"first 500": slice(500), "last 1,000": slice(-1_000, None)}.items():
        print(f"{part + ' readings':<22}" + "".join(f"{phase:>11}" for phase in PHASES))
        for name, error in errors.items():
            of_phases = error.reshape(len(PHASES), length)[:, chosen]
            print(f"{name:<22}" + "".join(f"{mean(e):>11.3g}" for e in of_phases))
    for name, said in rejected.items():
        print(f"{name}: {said}")
    draw(errors, length)


def mean(errors: np.ndarray) -> float:
    """Of the readings that were not rejected; NaN if all were."""
    kept = errors[np.isfinite(errors)]
    return kept.mean() if kept.size else float("nan")


def draw(errors: dict[str, np.ndarray], length: int) -> None:
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    window = max(length // 50, 1)
    for name, error in errors.items():
        means = [mean(part) for part in error.reshape(-1, window)]
        axes.semilogy(window * np.arange(len(means)), means, label=name)
    for number, phase in enumerate(PHASES):
        axes.axvline(number * length, color="0.8", linewidth=0.8, zorder=0)
        axes.text(number * length, 1.01, f" {phase}", transform=axes.get_xaxis_transform())
    axes.axhline(NOISE**2, color="0.5", linestyle=":", label="noise")
    axes.set(xlabel="Reading", ylabel="Squared error", ylim=(3e-3, 1e11))
    axes.legend(loc="upper right", fontsize=8)
    figure.savefig("distribution_shift.png", dpi=110)


if __name__ == "__main__":
    main(*([500] if "--quick" in sys.argv else []))
