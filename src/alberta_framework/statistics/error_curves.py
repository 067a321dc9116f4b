"""Error curves of one run: extraction, cumulative sums, running means, comparison."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..learners import LINEAR_METRICS

History = Sequence[Mapping[str, Any]] | Mapping[str, ArrayLike] | ArrayLike


def extract_metric(history: History, key: str) -> NDArray[np.float64]:
    """The values of one metric, in the order of the steps.

    **Arguments:** `history`: a list of dicts (one per step), a dict of arrays, or the metrics
    array of `run_learning_loop`, shape [..., steps, 3 or 4], whose columns are `squared_error`,
    `error`, `mean_step_size` and `normalizer_mean_var`; of other learners' loops,
    `learner.metrics(array)` is such a dict. `key`: which of them.

    **Returns:** float64, shape [steps]; leading axes of arrays are kept.

    **Raises:** `KeyError` that names `key` and the keys present.
    """
    if isinstance(history, Mapping):
        _require_key(key, history)
        return np.asarray(history[key], np.float64)
    if isinstance(history, list | tuple):
        return _from_rows(history, key)
    metrics = np.asarray(history)
    if metrics.ndim < 2 or metrics.shape[-1] not in (3, 4):
        raise ValueError(
            "`history` must be a list of dicts, a dict of arrays or a metrics array of shape "
            f"[..., steps, 3 or 4], got an array of shape {metrics.shape}."
        )
    columns = LINEAR_METRICS[: metrics.shape[-1]]
    _require_key(key, columns)
    return metrics[..., columns.index(key)].astype(np.float64)


def compute_cumulative_error(
    history: History, error_key: str = "squared_error"
) -> NDArray[np.float64]:
    """c_i = sum of the metric over steps 0 .. i, in float64 along the last axis.

    **Arguments:** `history`: as in `extract_metric`; `error_key`: the metric to sum.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        return np.cumsum(extract_metric(history, error_key), axis=-1)


def compute_running_mean(
    values: ArrayLike, window_size: int = 100, *, axis: int = -1
) -> NDArray[np.float64]:
    """Mean of the last w values at every step.

        r_i = (v_(i-w+1) + ... + v_i) / w   for i >= w - 1,   (v_0 + ... + v_i) / (i + 1) before

    What comes before the first whole window is the mean of what there is: nothing at a step
    depends on later ones. (The reference implementation fills it with the first whole window.)

    Each window is the sum of a tail and a head of two neighbouring blocks of length w, so
    nothing is ever subtracted: rounding does not depend on what lies outside the window, and a
    NaN or an infinity reaches the windows that contain it and no other. Time and memory are
    linear in the length, whatever w. (Van Herk 1992 and Gil & Werman 1993 use these blocks for
    running extrema.)

    **Arguments:** `values`: numbers; `window_size`: w >= 1; `axis`: the axis of time.

    **Returns:** float64 of the shape of `values`.

    **Raises:** `ValueError` if `window_size` is no integer, or below 1.
    """
    if isinstance(window_size, bool) or not isinstance(window_size, int | np.integer):
        raise ValueError(f"`window_size` must be an integer, got {window_size!r}.")
    if window_size < 1:
        raise ValueError(f"`window_size` must be at least 1, got {window_size}.")
    array = np.asarray(values, np.float64)
    if array.ndim == 0:
        raise ValueError(f"`values` must have an axis of time, got the scalar {array}.")
    array = np.moveaxis(array, axis, -1)
    return np.moveaxis(_running_mean(array, int(window_size)), -1, axis)


def compute_tracking_error(history: History, window_size: int = 100) -> NDArray[np.float64]:
    """Running mean of `squared_error` over the last `window_size` steps, of all before that."""
    return compute_running_mean(extract_metric(history, "squared_error"), window_size)


def compare_learners(
    results: Mapping[str, History], metric: str = "squared_error"
) -> dict[str, dict[str, float]]:
    """Summary of one metric of one run per learner.

    **Arguments:** `results`: name to history, as in `extract_metric`; `metric`: the key.

    **Returns:** per name `mean`, `std` (divisor n), `cumulative` (sum) and `final_100_mean`
    (mean of the last 100 steps, of all if there are fewer), as Python floats.

    **Raises:** `ValueError` for a history without steps or of several runs.
    """
    return {name: _summary(name, extract_metric(run, metric)) for name, run in results.items()}


def _require_key(key: str, present: Mapping[str, Any] | tuple[str, ...]) -> None:
    if key not in present:
        raise KeyError(f"no metric {key!r} in the history; present: {', '.join(map(str, present))}")


def _from_rows(rows: Sequence[Any], key: str) -> NDArray[np.float64]:
    for row in rows:
        if not isinstance(row, Mapping):
            raise TypeError(f"`history` as a list must hold dicts, got {type(row).__name__}.")
        _require_key(key, row)
    return np.fromiter((float(row[key]) for row in rows), np.float64, len(rows))


def _running_mean(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    *lead, length = values.shape
    if window == 1:
        return values.copy()
    with np.errstate(invalid="ignore", over="ignore"):
        beginning = np.cumsum(values[..., : window - 1], axis=-1)
        beginning /= np.arange(1, beginning.shape[-1] + 1)
    if length < window:
        return beginning
    blocks = np.zeros((*lead, length // window + 1, window))
    flat = (*lead, -1)
    blocks.reshape(flat)[..., :length] = values
    heads = np.zeros_like(blocks)
    with np.errstate(invalid="ignore", over="ignore"):
        tails = np.cumsum(blocks[..., ::-1], axis=-1)[..., ::-1]
        np.cumsum(blocks[..., :-1], axis=-1, out=heads[..., 1:])
        # The window that starts at s: the rest of its block, then what the next block gives.
        starts = length - window + 1
        sums = tails.reshape(flat)[..., :starts] + heads.reshape(flat)[..., window : length + 1]
    means = np.empty_like(values)
    means[..., window - 1 :] = sums / window
    means[..., : window - 1] = beginning
    return means


def _summary(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    if values.ndim != 1 or values.size == 0:
        raise ValueError(
            f"`results[{name!r}]` must be one run of at least one step, "
            f"got values of shape {values.shape}."
        )
    with np.errstate(invalid="ignore", over="ignore"):
        return {
            "mean": float(values.mean()),
            "std": float(values.std()),
            "cumulative": float(values.sum()),
            "final_100_mean": float(values[-100:].mean()),
        }
