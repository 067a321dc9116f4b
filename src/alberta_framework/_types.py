"""Aliases used in annotations of the public boundary."""

from typing import TYPE_CHECKING

from jaxtyping import ArrayLike, Integer, Real

if TYPE_CHECKING:
    Hyperparameter = float | ArrayLike
    ScalarLike = float | ArrayLike
    IntegerLike = int | ArrayLike
else:
    # A number, or an array of numbers that a vmap takes apart.
    Hyperparameter = Real[ArrayLike, "..."]
    # What is accepted as one number: a Python or NumPy number, shape () or shape (1,).
    ScalarLike = Real[ArrayLike, ""] | Real[ArrayLike, "1"]
    # One integer, kept as int32 where other numbers become float32: an action, say.
    IntegerLike = Integer[ArrayLike, ""]
