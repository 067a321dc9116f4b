"""A network that wears out, and one that is kept able to learn: is the second one still plastic?

The problem never changes as a whole, only which part of it is seen (Dohare et al. 2024). Backprop
follows worse and worse; continual backprop, which makes one of the least useful units new now and
then, does not. Printed are error, dormant units and effective rank of the hidden layer in the first
and the last block, and how many units were made new, means over seeds. The picture is written to
wearing_out.png.

Run: python examples/wearing_out.py [--quick]
"""

import sys

import jax
import matplotlib.pyplot as plt
import numpy as np

import alberta_framework as af

STREAM = af.SlowlyChangingRegressionStream(change_interval=10_000)
UNITS = 20
MONITOR = af.PlasticityMonitor(window=64)
METHODS = {
    "backprop": MONITOR,
    "continual backprop": af.PlasticityChain((af.ContinualBackprop(1e-4), MONITOR)),
}


def learner(method: af.AbstractPlasticity) -> af.MLPLearner:
    return af.MLPLearner(
        (UNITS,),
        af.LMS(0.03),
        sparsity=0.0,
        leaky_relu_slope=0.0,
        use_layer_norm=False,
        plasticity=method,
    )


def main(blocks: int = 20, block: int = 50_000, seeds: int = 10) -> None:
    keys, found = jax.random.split(jax.random.key(0), seeds), {}
    print("                      error         dormant     effective rank   made new")
    for name, method in METHODS.items():
        learns = learner(method)
        state = jax.vmap(lambda key, learns=learns: learns.init(STREAM.feature_dim, key))(keys)
        stream_state, rows = jax.vmap(STREAM.init)(keys), []
        for _ in range(blocks):
            (state, stream_state), _, (errors,) = af.drive(
                learns,
                STREAM,
                block,
                state=state,
                stream_state=stream_state,
                recorders=(af.WindowMean(block),),
                keep_outputs=False,
                lanes=af.Lanes(),
            )
            report = jax.vmap(lambda s, learns=learns: af.compute_plasticity(learns, s))(state)
            rows.append(
                (
                    np.asarray(errors)[:, 0, 0],
                    np.asarray(report.dormant_fraction)[:, 0],
                    np.asarray(report.effective_rank)[:, 0],
                )
            )
        found[name] = np.asarray(rows)
        (error, dormant, rank), (last, dormant_last, rank_last) = (
            found[name][i].mean(-1) for i in (0, -1)
        )
        new = "" if report.replaced is None else f"{np.mean(report.replaced):11.0f}"
        print(
            f"{name:<20}{error:6.2f} to {last:4.2f}{dormant:8.2f} to {dormant_last:4.2f}"
            f"{rank:9.1f} to {rank_last:4.1f}{new}"
        )
    draw(found, block)


def draw(found: dict[str, np.ndarray], block: int) -> None:
    titles = ("Squared error", "Dormant units", "Effective rank")
    figure, panels = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
    for name, rows in found.items():
        at = (np.arange(len(rows)) + 1) * block / 1_000
        for axes, values in zip(panels, rows.transpose(1, 0, 2), strict=True):
            mean, error = values.mean(-1), values.std(-1, ddof=1) / values.shape[-1] ** 0.5
            axes.plot(at, mean, label=name)
            axes.fill_between(at, mean - error, mean + error, alpha=0.2)
    for axes, title in zip(panels, titles, strict=True):
        axes.set(title=title, xlabel="Steps in thousands", ylim=(0.0, None))
    panels[0].legend(loc="center right")
    figure.savefig("wearing_out.png", dpi=110)
    plt.close(figure)
    print("wearing_out.png: a solid line is the mean over seeds, its band one standard error")


if __name__ == "__main__":
    main(**({"blocks": 3, "block": 2_000, "seeds": 2} if "--quick" in sys.argv else {}))
