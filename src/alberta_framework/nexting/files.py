"""The files of a life of predictions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..figures import plot_predictions, publication_style
from ..horde import discounted_returns
from ..reports.files import write_config, write_csv
from .run import NextingResult

_PANELS = 6
_SHOWN_ROWS_PER_SCALE = 40.0


def save_nexting(result: NextingResult, folder: Path) -> list[Path]:
    """Write the files of a result into an existing folder.

    - `results.csv`: a row for each demon: its signal, time scale and discount, and RMSE / std(G) of
      what was learned, of the running mean and of persistence.
    - `signals.csv`: what was seen; `alberta run nexting-file` reads it.
    - `predictions.csv`: what was predicted at each row, as means over the time scales, in the
      signals' units.
    - `config.json`: the settings, and under `run` the rows that were done and the versions of the
      packages.
    - `predictions.png`: the last predictions over the returns that followed.

    **Returns:** their paths.
    """
    experiment = result.experiment
    names = ("results.csv", "signals.csv", "predictions.csv", "config.json", "predictions.png")
    scores, signals, predictions, config, figure = (folder / name for name in names)
    rows = error_rows(result)
    write_csv(scores, list(rows[0]), (row.values() for row in rows))
    # Nine digits tell a float32 from every other.
    write_csv(signals, ["time", *experiment.source.names], _rows(result, result.signals, 9))
    write_csv(predictions, ["time", *experiment.spec.names], _rows(result, result.means, 6))
    run = {"rows_done": result.rows_done, "rejected": result.rejected}
    settings = {
        "title": experiment.title,
        "signals": list(experiment.source.names),
        "dt": experiment.source.dt,
        "scales": list(experiment.scales),
        "learner": experiment.learner.to_config(),
    }
    write_config(config, settings, run)
    with publication_style(font_size=9):
        plot_nexting(result).savefig(figure, dpi=150)
    return [scores, signals, predictions, config, figure]


def error_rows(result: NextingResult) -> list[dict[str, Any]]:
    """The rows of `results.csv`; None where the returns do not vary, or none is known."""
    experiment, errors = result.experiment, result.errors
    spec = experiment.spec
    rows = []
    for i, name in enumerate(spec.names):
        measured = errors.learned[i], errors.running_mean[i], errors.persistence[i]
        learned, mean, still = (float(e) if np.isfinite(e) else None for e in measured)
        rows.append(
            {
                "demon": name,
                "signal": experiment.source.names[spec.cumulant_indices[i]],
                "timescale_s": experiment.timescales[i % len(experiment.scales)],
                "gamma": float(spec.gammas[i]),
                "learned": learned,
                "running_mean": mean,
                "persistence": still,
            }
        )
    return rows


def plot_nexting(result: NextingResult) -> Any:
    """The figure of the last predictions over the returns that followed, both as means over the
    time scale: of signals that vary, at the longest scale of which returns are known."""
    experiment, scales = result.experiment, len(result.experiment.scales)
    spec = experiment.spec
    of, gammas = np.asarray(spec.cumulant_indices), np.asarray(spec.gammas, np.float64)
    steps = result.rows_done - 1
    cumulants = np.where(result.gaps[:steps, None], np.nan, result.signals[1:])[:, of]
    returns = discounted_returns(cumulants, gammas) * (1.0 - gammas)
    known = ~np.isnan(returns)
    spread = np.array([np.ptp(returns[k, i]) if k.any() else 0.0 for i, k in enumerate(known.T)])
    chosen = []
    for signal in range(len(experiment.source.names)):
        candidates = [signal * scales + k for k in reversed(range(scales))]
        chosen += [i for i in candidates if known[:, i].sum() >= steps / 2 and spread[i] > 0][:1]
    chosen = chosen[:_PANELS] or [0]
    longest = max(experiment.scales) * _SHOWN_ROWS_PER_SCALE
    shown = slice(max(0, steps - int(longest)), steps)
    figure, _ = plot_predictions(
        result.means[:-1][shown][:, chosen],
        returns[shown][:, chosen],
        [spec.names[i] for i in chosen],
        times=result.times[:-1][shown],
        unit="seconds",
    )
    return figure


def _rows(result: NextingResult, columns: Any, digits: int) -> Iterator[list[Any]]:
    """Time and numbers; an empty cell for one that is missing."""
    for time, row in zip(result.times.tolist(), columns.tolist(), strict=True):
        cells = ("" if value != value else f"{value:.{digits}g}" for value in row)
        yield [round(time, 6), *cells]
