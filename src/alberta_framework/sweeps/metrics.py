"""Which metrics of its learners a sweep records, by name."""

import functools as ft
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ..compilation.boundary import strong
from ..components.known import require_known
from ..control import AbstractAgent
from ..experience import ControlStep
from ..hyperparameters.axes import Axes
from ..interface import DiscreteActions
from ..learners import MetricsError, initial_state, metrics_of_step, parts_of
from ..loops.rollouts import next_step, rollable
from ..streams import RecordedStream
from .members import stream_begun
from .plan import Program
from .roots import root_of

# What a result says besides the metrics, under these names.
_TAKEN = ("point", "rejected", "seed", "step")


@dataclass(frozen=True)
class Offered:
    """What the learners of a program give: each metric's shape by name, what its parts are, and
    what the learners are called in errors."""

    learner: str
    metrics: Mapping[str, tuple[int, ...]]
    parts: str


def offered(program: Program, axes: Axes) -> Offered:
    """What a step of a program's learners gives; evaluated for its shapes alone.

    **Raises:** `TypeError`, `ValueError` for a learner that cannot learn from the stream, or whose
    step gives numbers without names.
    """
    learner, stream = program.learners[0], program.streams[0]
    for recorded in program.streams:
        _require_actions(learner, recorded)
    try:
        found = _one_step.eval_shape(
            strong(learner), strong(rollable(stream)), feature_dim=stream.feature_dim
        )
    except MetricsError as error:
        raise TypeError(f"sweep: {error}") from error
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        names = f"{type(learner).__name__} cannot learn from {type(stream).__name__}"
        raise ValueError(f"sweep: {names}: {str(error).splitlines()[0]}") from error
    shapes = {name: shape.shape for name, shape in found.items()}
    return Offered(_described(program, axes), shapes, parts_of(learner).kind)


def recorded_names(
    offers: Sequence[Offered], wanted: Iterable[str] | None, axes: Axes
) -> tuple[str, ...]:
    """The metrics to record: those wanted, or all that every learner has, in the first one's order.

    **Raises:** `ValueError` for a metric that some learner does not have, or that is called as
    something else in the result is; naming the metric, the learner and what there is.
    """
    if wanted is None:
        names = [n for n in offers[0].metrics if all(n in offer.metrics for offer in offers)]
        if not names:
            told = "; ".join(f"{offer.learner} has {', '.join(offer.metrics)}" for offer in offers)
            raise ValueError(f"sweep: the learners have no metric in common: {told}.")
    else:
        names = list(dict.fromkeys(wanted))
        if not names:
            raise ValueError("sweep: `metrics` must name a metric, got none.")
    for name in names:
        for offer in offers:
            require_known(f"metric {name!r} of {offer.learner}", name, offer.metrics)
        if name in _TAKEN or name in axes.values:
            raise ValueError(
                f"sweep: the metric {name!r} of {offers[0].learner} is called as the result calls "
                "something else; name those to record by `metrics`, or give it another name."
            )
        if len({len(offer.metrics[name]) for offer in offers}) > 1:
            told = "; ".join(f"{offer.learner} has shape {offer.metrics[name]}" for offer in offers)
            raise ValueError(f"sweep: the metric {name!r} is a number or many: {told}.")
    return tuple(names)


def axis_names(offers: Sequence[Offered], names: Sequence[str], axes: Axes) -> dict[str, str]:
    """What the last axis of each metric counts that has one.

    Where metrics count so many of one kind and so many, each has an axis of its own name.
    """
    widths = {
        name: max(offer.metrics[name] for offer in offers)
        for name in names
        if offers[0].metrics[name]
    }
    kinds = {offer.parts for offer in offers}
    kind = kinds.pop() if len(kinds) == 1 else "part"
    taken = kind in (*_TAKEN, *names, *axes.values)
    if taken or len(set(widths.values())) > 1:
        return {name: f"{name}_{kind}" for name in widths}
    return dict.fromkeys(widths, kind)


def _described(program: Program, axes: Axes) -> str:
    """`LinearLearner`, and where the sweep has several structures, those of its labels that are no
    numbers."""
    kind = type(program.learners[0]).__name__
    labels = {path: axes.labels(path) for path in axes.values}
    places = axes.positions[int(program.points.flat[0])]
    told = [
        f"{path} {label}"
        for (path, given), place in zip(labels.items(), places, strict=True)
        if isinstance(label := given[place], str) and root_of(path) == "learner"
    ]
    return f"{kind} ({', '.join(told)})" if told else kind


def _require_actions(learner: Any, stream: Any) -> None:
    """A sweep begins with no action pending, so a record must tell those that were taken."""
    if not isinstance(learner, AbstractAgent) or not isinstance(stream, RecordedStream):
        return
    space = learner.action_space
    if not isinstance(stream.record, ControlStep) or not isinstance(space, DiscreteActions):
        return
    taken = np.asarray(stream.record.action)
    if np.any((taken < 0) | (taken >= space.n)):
        raise ValueError(
            f"sweep: `record.action` must hold the actions that were taken, 0 to {space.n - 1}, "
            f"got {taken.min()} to {taken.max()}."
        )


@ft.partial(jax.jit, static_argnames="feature_dim")
def _one_step(learner, stream, *, feature_dim):
    key = jax.random.key(0)
    state = initial_state(learner, feature_dim, key)
    _, outputs = next_step(learner, stream, state, stream_begun(stream, key))
    return metrics_of_step(learner, outputs)
