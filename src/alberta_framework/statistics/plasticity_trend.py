"""Whether an agent learns new tasks as well as it learned its first ones."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def plasticity_trend(areas: ArrayLike) -> NDArray[np.float64]:
    """The Theil-Sen slope of what each task gave, against the number of the task.

        median over i < j of (a_j - a_i) / (j - i)

    Below 0 an agent loses its ability to learn, per task. A few odd tasks do not move it.

    **Arguments:** `areas` [..., tasks]: the `area_under` of repeated changes of one kind, in order,
    at least two.

    **Returns:** float64 [...]; NaN where an area is NaN.

    **Raises:** `ValueError` for fewer tasks.
    """
    array = np.asarray(areas, np.float64)
    if array.ndim == 0 or array.shape[-1] < 2:
        raise ValueError(f"`areas` must have shape [..., tasks] with two tasks, got {array.shape}.")
    early, late = np.triu_indices(array.shape[-1], 1)
    slopes = (array[..., late] - array[..., early]) / (late - early)
    unknown = np.asarray(np.isnan(array).any(axis=-1))
    return np.where(unknown, np.nan, np.median(np.where(unknown[..., None], 0.0, slopes), axis=-1))
