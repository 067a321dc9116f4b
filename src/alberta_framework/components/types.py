"""Aliases used in annotations of the public boundary."""

from typing import TYPE_CHECKING, Annotated, Any

from jaxtyping import ArrayLike, Integer, PRNGKeyArray, Real

if TYPE_CHECKING:
    Hyperparameter = float | ArrayLike
    ScalarLike = float | ArrayLike
    IntegerLike = int | ArrayLike
    ActionLike = int | ArrayLike
    KeyLike = PRNGKeyArray
else:
    # A number, or an array of numbers that a vmap takes apart.
    Hyperparameter = Real[ArrayLike, "..."]
    # What is accepted as one number: a Python or NumPy number, shape () or shape (1,).
    ScalarLike = Real[ArrayLike, ""] | Real[ArrayLike, "1"]
    # One number that is taken as an int32.
    IntegerLike = Real[ArrayLike, ""]
    # The number of one of the component's `n_actions`, taken as an int32.
    ActionLike = Integer[ArrayLike, ""]
    # What `require_key` takes, and makes a typed key of.
    KeyLike = Annotated[Any, "key"]
