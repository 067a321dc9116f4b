"""Dohare et al. (2024): a network that learns for long learns worse and worse."""

import jax
import numpy as np
import section

import alberta_framework as af

SEEDS, STEPS, BLOCKS = 20, 1_000_000, 10
# Five units, from He's uniform weights; the authors' gradient is that of the squared error, 2 e.
UNITS, GAIN = 5, 6**0.5
PUBLISHED = {
    # what, flip: error in blocks 1, 3, 5, 7, 10, and the standard error of the last
    ("backprop, step size 0.01", "all"): ((0.71, 1.00, 1.15, 1.18, 1.29), 0.06),
    ("backprop, step size 0.003", "all"): ((0.67, 0.81, 0.87, 0.96, 0.98), 0.04),
    ("backprop, step size 0.001", "all"): ((0.73, 0.71, 0.79, 0.83, 0.91), 0.04),
    ("continual backprop, rate 1e-4", "all"): ((0.55, 0.55, 0.54, 0.53, 0.56), 0.03),
    ("continual backprop, rate 1e-4, from age 10", "all"): ((0.57, 0.55, 0.52, 0.52, 0.50), 0.02),
    ("continual backprop, rate 1e-3", "all"): ((0.57, 0.63, 0.64, 0.62, 0.60), 0.02),
    ("backprop, step size 0.01", "one"): ((0.69, 0.79, 0.83, 0.98, 0.97), 0.07),
    ("continual backprop, rate 1e-4", "one"): ((0.49, 0.45, 0.44, 0.49, 0.52), 0.06),
}
# As the authors run it: at random, and nothing goes into the biases above.
AS_PUBLISHED = {"accumulate": False, "compensate_bias": False, "gain": GAIN}


def network(step_size: float, **parts: object) -> af.MLPLearner:
    """Rectified units without normalization, all of whose inputs are connected."""
    return af.MLPLearner(
        (UNITS,),
        af.LMS(2 * step_size),
        sparsity=0.0,
        leaky_relu_slope=0.0,
        use_layer_norm=False,
        **parts,
    )


LEARNERS = {
    "backprop, step size 0.01": network(0.01),
    "backprop, step size 0.003": network(0.003),
    "backprop, step size 0.001": network(0.001),
    "continual backprop, rate 1e-4": network(
        0.01, plasticity=af.ContinualBackprop(1e-4, **AS_PUBLISHED)
    ),
    "continual backprop, rate 1e-4, from age 10": network(
        0.01, plasticity=af.ContinualBackprop(1e-4, maturity_threshold=10, **AS_PUBLISHED)
    ),
    "continual backprop, rate 1e-3": network(
        0.01, plasticity=af.ContinualBackprop(1e-3, **AS_PUBLISHED)
    ),
}


def begun(learner: af.MLPLearner, stream: af.SlowlyChangingRegressionStream, seeds: int) -> tuple:
    """The states of all seeds, with the uniform weights of He et al. (2015)."""

    @jax.jit
    def of_seed(key):
        stream_key, weights_key = jax.random.split(key)
        state = learner.init(stream.feature_dim, weights_key)
        # They are drawn within 1 / sqrt(fan_in), He's within sqrt(6 / fan_in).
        weights = jax.tree.map(lambda w: GAIN * w, state.params.weights)
        return state.replace(params=state.params.replace(weights=weights)), stream.init(stream_key)

    return jax.vmap(of_seed)(jax.random.split(jax.random.key(0), seeds))


def errors(learner: af.MLPLearner, flip: str, seeds: int, steps: int) -> np.ndarray:
    """Mean squared errors [seeds, blocks]."""
    stream = af.SlowlyChangingRegressionStream(flip=flip)
    state, stream_state = begun(learner, stream, seeds)
    _, _, (means,) = af.drive(
        learner,
        stream,
        steps,
        state=state,
        stream_state=stream_state,
        recorders=(af.WindowMean(steps // BLOCKS),),
        keep_outputs=False,
        lanes=af.Lanes(),
    )
    return np.asarray(means[..., 0], np.float64)


def reproduce() -> tuple:
    import matplotlib.pyplot as plt

    picture, panels = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True, layout="constrained")
    colors = {name: f"C{i}" for i, name in enumerate(LEARNERS)}
    panel = dict(zip(("all", "one"), panels, strict=True))
    found = {row: errors(LEARNERS[row[0]], row[1], SEEDS, STEPS) for row in PUBLISHED}
    figures, blocks = [], np.arange(1, BLOCKS + 1)
    for (name, flip), ((first, *_, last), error) in PUBLISHED.items():
        # Three standard errors of a difference of two runs that have this one each.
        wide = 3 * 2**0.5 * error
        for block, published in ((1, first), (BLOCKS, last)):
            figures.append(
                section.of_values(
                    f"{name}, {flip} flipped: block {block}",
                    f"{published:.2f}",
                    found[name, flip][:, block - 1],
                    (published - wide, published + wide),
                )
            )
        means, error = found[name, flip].mean(0), found[name, flip].std(0, ddof=1) / SEEDS**0.5
        panel[flip].plot(blocks, means, label=name, color=colors[name])
        band = means - error, means + error
        panel[flip].fill_between(blocks, *band, alpha=0.2, color=colors[name])
    losing = found["backprop, step size 0.01", "all"]
    kept = found["continual backprop, rate 1e-4", "all"]
    ratio = losing[:, -1] / losing[:, 0].mean()
    name = "backprop, step size 0.01, all flipped: block 10 over the mean of block 1"
    figures.append(section.of_values(name, "1.8", ratio, (1.4, np.inf)))
    ratio = kept[:, -1] / kept[:, 0].mean()
    name = "continual backprop, rate 1e-4, all flipped: block 10 over the mean of block 1"
    figures.append(section.of_values(name, "1.02", ratio, (0.9, 1.1)))
    name = "continual backprop's block 10 over the mean of backprop's, step size 0.01, all flipped"
    figures.append(section.of_values(name, "0.43", kept[:, -1] / losing[:, -1].mean(), (0, 0.5)))
    for flip, axes in panel.items():
        axes.set(title=f"{flip} of the slow bits at a change", xlabel="block of 100,000 steps")
    panels[0].set(ylabel="squared error", ylim=(0.0, None))
    lines, labels = panels[0].get_legend_handles_labels()
    picture.legend(lines, labels, loc="outside lower center", ncols=2, fontsize=8)
    text = f"""
Twenty bits, of which 15 change every 10,000 steps, all of them or one, and five at every step; a
fixed target network of 100 threshold units. The learner has {UNITS} rectified units and sees each
example once. Mean squared error in blocks of {STEPS // BLOCKS:,} steps, {SEEDS} seeds.

Source: the setting of S. Dohare, J. F. Hernandez-Garcia, Q. Lan, P. Rahman, A. R. Mahmood and R. S.
Sutton (2024), Loss of plasticity in deep continual learning, Nature 632, whose curves have this
shape; the figures to compare with are those of an independent float64 program, 20 seeds, with a
band of three standard errors of the difference.
"""
    worn, plastic = losing.mean(0), kept.mean(0)
    verdict = f"""
The function to be learned never changes, and each part of it comes back; yet backprop of step size
0.01 has an error of {worn[0]:.2f} in the first block and of {worn[-1]:.2f} in the last. With one
unit in ten thousand made new a step it has {plastic[0]:.2f} and {plastic[-1]:.2f}.
"""
    title = "Dohare et al. 2024: loss of plasticity in slowly changing regression"
    return section.Section(title, text, tuple(figures), verdict, "dohare2024.png"), picture


if __name__ == "__main__":
    section.main(reproduce, __file__)
