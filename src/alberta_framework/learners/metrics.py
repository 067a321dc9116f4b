"""What a learner's step gave, by name: a number and its name are one entry, and cannot part."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.tree_util import DictKey, GetAttrKey, all_leaves, keystr, tree_flatten_with_path
from jaxtyping import Array, Float

from ..components.state import AbstractState

# The squared errors of predictions, and of values that are learned from transitions.
SQUARED_ERRORS = ("squared_error", "squared_td_error")


class MetricsError(TypeError):
    """What a learner's step gave has no names, or is no number."""


class MetricParts(NamedTuple):
    """What the last axis of a metric counts, where it has one.

    `kind` is the name of the axis, as `"head"` or `"demon"`; `names` those of its entries, `()`
    where they are only numbered.
    """

    kind: str = "part"
    names: tuple[str, ...] = ()


class Metrics(AbstractState, Mapping[str, Array]):
    """Numbers by name, in an order: `metrics["error"]`, or `metrics.error`.

    Each is one number, or one for each head or demon; of a loop's history with axes of lanes and
    steps in front. A mapping that passes through compiled code with its order. `recorded_steps`:
    which steps of a loop they are of; None where it is not told.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    numbers: tuple[Array, ...]
    recorded_steps: Any = eqx.field(static=True)

    def __init__(
        self,
        named: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        recorded_steps: Hashable = None,
    ):
        pairs = dict(named)
        self.names, self.numbers = tuple(pairs), tuple(pairs.values())
        self.recorded_steps = recorded_steps

    def columns(self) -> Float[Array, "*batch metrics"]:
        """All of them along a last axis, in their order; one number stands beside those of parts
        for each of them."""
        return jnp.stack(jnp.broadcast_arrays(*self.numbers), axis=-1)

    def __getitem__(self, name: str) -> Array:
        try:
            return self.numbers[self.names.index(name)]
        except ValueError:
            raise KeyError(f"no metric {name!r}; there are {', '.join(self.names)}") from None

    def __getattr__(self, name: str) -> Array:
        names = self.__dict__.get("names", ())
        if name not in names:
            raise AttributeError(f"no metric {name!r}; there are {', '.join(names)}")
        return self.numbers[names.index(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def named_columns(names: Iterable[str], columns: Array) -> Metrics:
    """The last axis of an array by name.

    **Raises:** `MetricsError` unless there is one name for each column.
    """
    names = tuple(names)
    if columns.shape[-1] != len(names):
        raise MetricsError(
            f"metrics: {columns.shape[-1]} columns for the {len(names)} names {', '.join(names)}."
        )
    return Metrics((name, columns[..., i]) for i, name in enumerate(names))


def own_names(outputs: Any) -> Metrics:
    """The numbers of a dictionary, a NamedTuple or a Module by its own names, in its order.

    Inner names are joined by dots; None is left out. The columns of a lone array are `output_0`,
    `output_1`, ...; so is a lone number.

    **Raises:** `MetricsError` for several arrays without names, or two of one name.
    """
    if not _is_named(outputs):
        leaves = jax.tree.leaves(outputs)
        if len(leaves) != 1 or _is_named(leaves[0]):
            raise MetricsError(
                "metrics: a step must give a dictionary, a Module or one array of numbers, got "
                f"{jax.tree.structure(outputs)}."
            )
        columns = jnp.atleast_1d(leaves[0])
        return named_columns((f"output_{i}" for i in range(columns.shape[-1])), columns)
    found: dict[str, Any] = {}
    for name, value in _entries(outputs, ""):
        if name in found:
            raise MetricsError(f"metrics: a step gives two numbers of the name {name!r}.")
        found[name] = value
    return Metrics(found)


def metrics_of_step(learner: Any, outputs: Any) -> Metrics:
    """What a loop records of one step: each metric one number, or one for each part.

    `learner.metrics(outputs)`, or of an object that has no such method the `own_names`.

    **Raises:** `MetricsError` naming the metric that is neither.
    """
    told = getattr(learner, "metrics", None)
    found: Any = told(outputs) if callable(told) else own_names(outputs)
    who = type(learner).__name__
    if not found:
        raise MetricsError(f"{who}: its step gives no metric.")
    return Metrics((name, _recorded(who, name, value)) for name, value in found.items())


def parts_of(learner: Any) -> MetricParts:
    """What the last axis of the learner's metrics counts; of an object that does not say, parts."""
    told = getattr(learner, "metric_parts", None)
    return told if isinstance(told, MetricParts) else MetricParts()


def primary_metric(names: Iterable[str]) -> str:
    """What is scored unless told otherwise: a squared error if there is one, else the first."""
    names = tuple(names)
    return next((name for name in SQUARED_ERRORS if name in names), names[0])


def _is_named(value: Any) -> bool:
    keys = [key for key, _ in _children(value)]
    return any(isinstance(key, str | GetAttrKey | DictKey) for key in keys)


def _entries(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    children = _children(value)
    if not children and not isinstance(value, Mapping) and all_leaves([value]):
        yield path, value
    for key, child in children:
        name = key if isinstance(key, str) else keystr((key,), simple=True)
        yield from _entries(child, f"{path}.{name}" if path else name)


def _children(value: Any) -> list[tuple[Any, Any]]:
    """What a tree holds, each with its key; a mapping's in its own order, which JAX sorts."""
    if isinstance(value, Mapping):
        return [(str(key), child) for key, child in value.items()]
    found, _ = tree_flatten_with_path(value, is_leaf=lambda inner: inner is not value)
    return [(path[0], child) for path, child in found if path]


def _recorded(who: str, name: str, value: Any) -> Float[Array, "..."]:
    try:
        array = jnp.asarray(value)
        real = jnp.issubdtype(array.dtype, jnp.number) or array.dtype == jnp.bool_
        sound = real and not jnp.issubdtype(array.dtype, jnp.complexfloating)
    except TypeError:
        array, sound = value, False
    if not sound or array.ndim > 1:
        found = f"{array.dtype}{list(array.shape)}" if isinstance(array, jax.Array) else repr(value)
        raise MetricsError(
            f"{who}: the metric {name!r} must be a number, or one for each part along one axis, "
            f"got {found}."
        )
    return array.astype(jnp.float32)
