"""The files of a fit."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..components.extras import analysis_package
from ..figures import publication_style
from ..reports.files import write_csv
from .fit import FileFit

_INPUTS = 12
CHECKPOINT, CONFIG = "learner.ckpt", "learner.json"


def save_fit(fit: FileFit, folder: Path) -> list[Path]:
    """Write what came of a fit into an existing folder.

    - `scores.csv`: of the learner and of each baseline every measure, over all events and over the
      latest 1,000.
    - `curve.csv`: the score over the latest 1,000, event by event.
    - `relevance.csv`: how large the weights of each input are.
    - `learner.ckpt`, `learner.json`: the checkpoint, and the configuration with which `alberta
      daemon` goes on from it.
    - `fit.png`: the curve, the last predictions over what came, the most relevant inputs.

    **Returns:** their paths.
    """
    names = ("scores.csv", "curve.csv", "relevance.csv", CHECKPOINT, CONFIG, "fit.png")
    scores, curve, relevance, checkpoint, config, figure = (folder / name for name in names)
    rows = [
        (one.system, window, measure, value)
        for one in fit.scores()
        for window, told in (("all", one.all), ("latest", one.latest))
        for measure, value in told.items()
        if not np.isnan(value)
    ]
    write_csv(scores, ["system", "events", "measure", "value"], rows)
    counts, values, systems, measure = fit.curve()
    header = ["events", *(f"{measure}, {system}" for system in systems)]
    points = zip(counts, values, strict=True)
    write_csv(curve, header, ([int(n), *map(float, row)] for n, row in points))
    write_csv(relevance, ["input", "weight_relevance"], fit.relevance().items())
    fit.daemon.save_to(checkpoint)
    config.write_text(json.dumps(fit.config(), indent=2, allow_nan=False) + "\n")
    with publication_style(font_size=9):
        plot_fit(fit).savefig(figure, dpi=150)
    return [scores, curve, relevance, checkpoint, config, figure]


def plot_fit(fit: FileFit) -> Any:
    """The figure of a fit: scores over time, the last predictions, the most relevant inputs."""
    figure = analysis_package("matplotlib.figure").Figure(figsize=(7.0, 7.0), layout="constrained")
    over_time, last, inputs = figure.subplots(3, 1, height_ratios=(1.0, 1.0, 1.2))
    counts, values, systems, measure = fit.curve()
    for i, system in reversed(list(enumerate(systems))):
        style = {"color": "C0", "lw": 1.4} if i == 0 else {"color": f"{0.35 + 0.2 * i:g}", "lw": 1}
        over_time.plot(counts, values[:, i], label=system, **style)
    over_time.set_title(f"{measure} of the latest events, each predicted before it was learned")
    over_time.set_xlabel("event")
    over_time.set_ylabel(measure)
    lines, labels = over_time.get_legend_handles_labels()
    over_time.legend(lines[::-1], labels[::-1], frameon=False, ncols=len(systems))
    over_time.margins(x=0.0)
    _plot_last(last, fit)
    shown = list(fit.relevance().items())[:_INPUTS][::-1]
    # Escaped, so that a name with two dollars in it is not set as mathematics.
    names = [name.replace("$", r"\$") for name, _ in shown]
    inputs.barh(names, [size for _, size in shown], color="C0")
    inputs.set_title("the most relevant inputs: sizes of their weights, on one scale")
    return figure


def _plot_last(axes: Any, fit: FileFit) -> None:
    target, recent = fit.plan.target, fit.recent
    numbers = [event.number for event in recent]
    name = target.name.replace("$", r"\$")
    if target.classes is None:
        axes.plot(numbers, [event.target for event in recent], color="0.5", lw=1.4, label="came")
        predicted = [event.predictions[0] for event in recent]
        axes.plot(numbers, predicted, color="C0", lw=1.0, label="predicted")
        axes.set_title(f"{name}: the last events")
        axes.set_ylabel(name)
        axes.legend(frameon=False, ncols=2)
    else:
        of_truth = np.array([event.predictions[int(event.target)] for event in recent])
        right = np.array([event.predictions.argmax() == int(event.target) for event in recent])
        for chosen, color, label in ((right, "C0", "right"), (~right, "C3", "wrong")):
            at = np.array(numbers)[chosen]
            axes.scatter(at, of_truth[chosen], s=8, color=color, label=label)
        axes.set_title(f"{name}: the probability of the class that came, the last events")
        axes.set_ylabel("probability")
        axes.set_ylim(-0.02, 1.02)
        axes.legend(frameon=False, ncols=2)
    axes.set_xlabel("event")
    axes.margins(x=0.0)
