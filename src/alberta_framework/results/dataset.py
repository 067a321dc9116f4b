"""Results as arrays with names of their axes and labels along them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..components.extras import analysis_package

if TYPE_CHECKING:
    import xarray as xr

    from .aggregated import AggregatedResults


def to_dataset(
    methods: "Mapping[str, AggregatedResults]", grid: Mapping[str, Sequence[Any]] | None = None
) -> "xr.Dataset":
    """Each metric as a variable over `point`, `seed` and `step` (or `episode`), and over what its
    parts are where it has any; `rejected` over `point` and `seed`.

    `point` holds the names of the methods; their labels, as the values of a grid by path, are
    coordinates along it. With a `grid`, path to values, whose combinations the methods are, the
    last path fastest, its paths take the place of `point`. Methods of other seeds or lengths than
    others have NaN where they have nothing.

    **Raises:** `ValueError` for methods that count steps and others that count episodes.
    """
    runs = list(methods.values())
    unit = common_unit(methods)
    seeds = _joined(one.seeds for one in runs)
    recorded = np.array(sorted(set(_joined(one.recordings for one in runs))))
    shape = (len(runs),) if grid is None else tuple(map(len, grid.values()))
    dims = ("point",) if grid is None else tuple(grid)
    variables: dict[str, Any] = {}
    for name in _joined(one.metric_arrays for one in runs):
        found = [
            _after_its_labels(one, name) if name in one.metric_arrays else None for one in runs
        ]
        parts = _joined([one.parts[name]] for one in runs if name in one.parts)
        values = _stacked(found, (seeds, recorded.tolist()))
        variables[name] = (
            (*dims, "seed", unit, *parts[:1]),
            values.reshape(*shape, *values.shape[1:]),
        )
    if any(one.rejected is not None for one in runs):
        counts = [None if one.rejected is None else (one.rejected, one.seeds) for one in runs]
        rejected = _stacked(counts, (seeds,))
        variables["rejected"] = ((*dims, "seed"), rejected.reshape(*shape, len(seeds)))
    coords: dict[str, Any] = {"seed": seeds, unit: recorded}
    if grid is None:
        coords["point"] = list(methods)
        for label in _joined(one.labels for one in runs):
            coords[label] = ("point", [one.labels.get(label) for one in runs])
    else:
        coords |= grid
    return analysis_package("xarray").Dataset(variables, coords)


def _after_its_labels(one: "AggregatedResults", metric: str) -> tuple[Any, ...]:
    array = np.asarray(one.metric_arrays[metric])
    return array, one.seeds, one.recordings[: array.shape[1]]


def common_unit(methods: "Mapping[str, AggregatedResults]") -> str:
    """What all of the methods count: `"step"` or `"episode"`; `ValueError` where they differ."""
    units = _joined([one.unit] for one in methods.values())
    if len(units) > 1:
        told = ", ".join(f"{name!r} counts {one.unit}s" for name, one in methods.items())
        raise ValueError(f"`results` must all count the same: {told}.")
    return units[0] if units else "step"


def _joined(several: Iterable[Iterable[Any]]) -> list[Any]:
    """What some of them hold, once each, in the order in which they come."""
    return list(dict.fromkeys(item for one in several for item in one))


def _stacked(found: Sequence[Any], labels: tuple[list[Any], ...]) -> NDArray:
    """Arrays, each after the labels along its axes, as one; NaN where there is nothing."""
    present = [array for array, *_ in filter(None, found)]
    if len(present) == len(found) and all(
        np.shape(array) == np.shape(present[0]) and [list(own) for own in axes] == list(labels)
        for array, *axes in found
    ):
        return np.stack(present)
    widths = [np.shape(array)[len(labels) :] for array in present]
    kind = np.result_type(np.float32, *(array.dtype for array in present))
    shape = (len(found), *map(len, labels), *max(widths))
    whole = np.full(shape, np.nan, kind)
    for place, one in enumerate(found):
        if one is not None:
            array, *axes = one
            at = [
                [of_all.index(own) for own in axis]
                for of_all, axis in zip(labels, axes, strict=True)
            ]
            widths = map(slice, array.shape[len(labels) :])
            whole[place][(*np.ix_(*at), *widths)] = array
    return whole
