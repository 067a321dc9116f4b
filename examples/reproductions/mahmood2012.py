"""Mahmood et al. (2012): Autostep needs no tuning when the scale of the inputs changes."""

import jax
import numpy as np
import section

import alberta_framework as af

SCALES = (0.1, 1.0, 10.0)
SEEDS, STEPS, LAST = 10, 40_000, 10_000
# So small that no scale diverges at once.
INITIAL = 5e-4
LEARNERS = {
    "LMS": (af.LMS(INITIAL), "step_size", np.geomspace(1e-5, 30.0, 14)),
    "IDBD": (af.IDBD(initial_step_size=INITIAL), "meta_step_size", np.geomspace(1e-6, 3.0, 14)),
    "Autostep": (
        af.Autostep(initial_step_size=INITIAL, max_step_size=float("inf")),
        "meta_step_size",
        np.geomspace(1e-4, 1.0, 9),
    ),
}


def errors(optimizer, name, values):
    """Squared errors over the last steps [values, scales, seeds]."""
    stream = af.ScaledStreamWrapper(af.SuttonExperiment1Stream(), np.ones(20))
    result = af.sweep(
        af.LinearLearner(optimizer, use_bias=False),
        stream,
        {
            f"learner.optimizer.{name}": [float(value) for value in values],
            "stream.feature_scales": list(SCALES),
        },
        num_steps=STEPS,
        keys=jax.random.split(jax.random.key(0), SEEDS),
        record=af.WindowMean(LAST),
    )
    last = np.asarray(result.metrics["squared_error"])[..., -1]
    # What diverged counts as a large error.
    last = np.minimum(np.nan_to_num(last, nan=np.inf), 1e6)
    return last.reshape(len(values), len(SCALES), SEEDS)


def reproduce() -> tuple:
    import matplotlib.pyplot as plt

    picture, panels = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True, layout="constrained")
    figures, worst = [], {}
    for axes, (learner, (optimizer, name, values)) in zip(panels, LEARNERS.items(), strict=True):
        found = errors(optimizer, name, values)
        means = found.mean(2)
        for scale, curve in zip(SCALES, means.T, strict=True):
            axes.semilogx(values, np.where(curve < 10.0, curve, np.nan), label=f"scale {scale:g}")
        axes.set(title=learner, xlabel=name.replace("_", " "), ylim=(0.0, 10.0))
        shared = int(np.argmin(means.max(1)))
        worst[learner] = found[shared].max(0)
        best = [float(values[i]) for i in means.argmin(0)]
        moved = max(best) / min(best)
        figures.append(
            section.of_values(
                f"{learner}: worst scale at the best shared value", "", worst[learner]
            )
        )
        figures.append(
            section.Figure(f"{learner}: how far its best value moves", "", moved, moved, moved)
        )
    panels[0].set_ylabel("squared error")
    panels[0].legend(fontsize=8)
    text = """
Sutton's drifting target with all inputs times 0.1, 1 or 10, every learner from the same initial
step size, 10 seeds; squared error over the last 10,000 of 40,000 steps. For each learner its
parameter is swept on all three scales. "Worst scale at the best shared value": with one value for
all scales, chosen as well as possible, the error on the scale where it is worst. "How far its best
value moves": the largest of the three best values over the smallest.

Source: A. R. Mahmood, R. S. Sutton, T. Degris and P. M. Pilarski (2012), Tuning-free step-size
adaptation, ICASSP. The paper shows curves and no table: what is reproduced is the order.
"""
    order = " < ".join(sorted(worst, key=lambda learner: float(worst[learner].mean())))
    verdict = (
        f"By the error at the best shared value: {order}. The paper's order is Autostep < IDBD."
    )
    title = "Mahmood et al. 2012: Autostep across input scales"
    return section.Section(title, text, tuple(figures), verdict, "mahmood2012.png"), picture


if __name__ == "__main__":
    section.main(reproduce, __file__)
