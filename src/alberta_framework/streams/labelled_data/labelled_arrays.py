"""Arrays of one's own as labelled data."""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from ...components.numbers import is_traced
from ...components.ranges import require_count
from ..float_arrays import float_array, require_array
from .abstract import AbstractLabelledData


class LabelledArrays(AbstractLabelledData):
    """Examples as arrays, whose classes are told by number.

    **Arguments:**

    - `inputs` [N, d]: real numbers, kept as float32.
    - `labels` [N]: whole numbers, 0 to `n_classes` - 1.
    - `n_classes` >= 2: how many classes there are; default one more than the largest label.

    **Raises:** `TypeError`, `ValueError` naming the argument.
    """

    inputs: Float[Array, "rows features"]
    labels: Float[Array, " rows"]
    n_classes: int = eqx.field(static=True)

    def __init__(self, inputs: Any, labels: Any, n_classes: int | None = None):
        self.inputs, self.labels = float_array(inputs), float_array(labels)
        if n_classes is None:
            require_array(self, "labels", ("N",))
            n_classes = max(2, int(np.nan_to_num(self.labels).max()) + 1)
        self.n_classes = n_classes

    def __check_init__(self):
        require_array(self, "inputs", ("N", "d"))
        require_array(self, "labels", self.inputs.shape[:1])
        require_count("LabelledArrays", "n_classes", self.n_classes, low=2, high=2**24)
        if is_traced(self.labels):
            return
        labels = np.asarray(self.labels)
        wrong = labels[~np.isin(labels, np.arange(self.n_classes))]
        if wrong.size:
            raise ValueError(
                f"LabelledArrays: `labels` must be whole numbers from 0 to {self.n_classes - 1}, "
                f"got {wrong[0]:g}."
            )
