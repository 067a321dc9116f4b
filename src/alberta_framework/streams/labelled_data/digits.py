"""Handwritten digits of 8 x 8 pixels."""

import functools as ft

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...components.extras import package_of
from .abstract import AbstractLabelledData


class Digits(AbstractLabelledData):
    """1,797 handwritten digits of 8 x 8 pixels between 0 and 1, ten classes.

    The test half of Alpaydin and Kaynak's Optical Recognition of Handwritten Digits (UCI Machine
    Learning Repository, 1998), as scikit-learn brings it along; it comes with the `digits` extra.

    **Raises:** `ImportError` naming the extra where scikit-learn is missing.
    """

    inputs: Float[Array, "rows features"] = eqx.field(repr=False, metadata={"config": "skip"})
    labels: Float[Array, " rows"] = eqx.field(repr=False, metadata={"config": "skip"})

    def __init__(self):
        self.inputs, self.labels = _loaded()

    @property
    def n_classes(self) -> int:
        return 10


@ft.cache
def _loaded() -> tuple[jax.Array, jax.Array]:
    pixels, labels = package_of("digits", "sklearn.datasets").load_digits(return_X_y=True)
    with jax.ensure_compile_time_eval():
        return jnp.asarray(pixels / 16.0, jnp.float32), jnp.asarray(labels, jnp.float32)
