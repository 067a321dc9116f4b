"""Step-size adaptation in five minutes: which of twenty inputs are worth learning from?

Five of twenty inputs make the target, and every 20 steps the sign of one of them flips (Sutton
1992, experiment 1). LMS has one step size for all; IDBD and Autostep learn one for each input while
they learn the weights. Printed are the mean squared error of the last half of the steps, mean and
95% interval over seeds, and the step sizes that were learned. The picture is written to
step_size_adaptation.png: errors on the left, IDBD's step sizes on the right.

Run: python examples/step_size_adaptation.py [--quick]
"""

import sys

import jax
import matplotlib.pyplot as plt
import numpy as np

import alberta_framework as af

STREAM = af.SuttonExperiment1Stream(num_relevant=5, num_irrelevant=15, change_interval=20)
OPTIMIZERS = {
    "LMS": af.LMS(0.035),  # the best fixed step size, see `alberta run sutton1992-experiment-1`
    "IDBD": af.IDBD(initial_step_size=0.05, meta_step_size=0.01),
    "Autostep": af.Autostep(initial_step_size=0.05, meta_step_size=0.05),
}


def main(steps: int = 20_000, seeds: int = 20) -> None:
    keys = jax.random.split(jax.random.key(0), seeds)
    tracking = af.StepSizeTrackingConfig(interval=steps // 200)
    found = {}
    print("learner     squared error      95% interval   relevant   irrelevant")
    for name, optimizer in OPTIMIZERS.items():
        learner = af.LinearLearner(optimizer, use_bias=False)
        result = af.run_learning_loop_batched(
            learner, STREAM, steps, keys, step_size_tracking=tracking
        )
        errors = np.asarray(result.metrics[:, :, 0], np.float64)
        step_sizes = np.asarray(result.step_size_history.step_sizes).mean(0)
        found[name] = errors, step_sizes
        score = af.compute_statistics(errors[:, steps // 2 :].mean(1))
        print(
            f"{name:<12}{score.mean:13.3f}   [{score.ci_lower:.3f}, {score.ci_upper:.3f}]"
            f"{step_sizes[-1, :5].mean():11.4f}{step_sizes[-1, 5:].mean():13.2g}"
        )
    draw(found, steps)


def draw(found: dict[str, tuple[np.ndarray, np.ndarray]], steps: int) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for name, (errors, _) in found.items():
        means = errors.mean(0).reshape(40, -1).mean(1)  # over seeds and windows
        left.plot((np.arange(40) + 0.5) / 40 * steps / 1_000, means, label=name)
    left.set(xlabel="Steps in thousands", ylabel="Squared error", ylim=(0.0, 4.5))
    left.legend()
    step_sizes = found["IDBD"][1]
    at = np.arange(len(step_sizes)) / len(step_sizes) * steps / 1_000
    right.plot(at, step_sizes[:, :5], color="C1")
    right.plot(at, step_sizes[:, 5:], color="0.7")
    right.plot([], color="C1", label="five relevant inputs")
    right.plot([], color="0.7", label="fifteen irrelevant inputs")
    right.set(xlabel="Steps in thousands", ylabel="Step size of IDBD", ylim=(0.0, None))
    right.legend()
    figure.savefig("step_size_adaptation.png", dpi=110)


if __name__ == "__main__":
    main(*([1_000, 2] if "--quick" in sys.argv else []))
