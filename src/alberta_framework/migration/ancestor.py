"""The learner that a checkpoint holds before it is migrated."""

import functools as ft
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..checkpoints import CheckpointError, checkpoint_header, load_agent
from ..event_features import EventFeatures
from ..learners import AbstractLearner
from .axes import Axes, growing_axes, leaves_of
from .places import Places

# The keys of the metadata.
_DAEMON, _MIGRATED_FROM = "daemon", "migrated_from"
_TRIES = 5


class Ancestor:
    """A learner, its state, and what its checkpoint tells beside.

    - `about`: what a daemon told; None if it was none's.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        for _ in range(_TRIES):
            header = checkpoint_header(path)
            self.learner, self.state, self.metadata = load_agent(path)
            # A daemon may save at any moment.
            if _mark(checkpoint_header(path)) == _mark(header):
                break
        else:
            raise CheckpointError(self.path, "is being saved again and again; migrate a copy of it")
        lanes = header["init"]["batch_shape"]
        if lanes:
            raise CheckpointError(
                self.path, f"holds lanes, of the shape {lanes}; migrate them one by one"
            )
        self._header = header
        self.about: Mapping[str, Any] | None = self.metadata.get(_DAEMON)

    @property
    def feature_dim(self) -> int:
        """How many inputs there are."""
        return int(self._header["init"]["feature_dim"])

    @property
    def input_names(self) -> list[str] | None:
        """What the daemon calls the inputs."""
        return (self.about or {}).get("feature_names")

    @property
    def has_features(self) -> bool:
        """Whether its daemon makes the inputs of the fields of events."""
        return (self.about or {}).get("features") is not None

    @property
    def features(self) -> Mapping[str, Any]:
        """The features of events and their state, as its daemon stores them.

        **Raises:** `ValueError` where it has none.
        """
        if not self.has_features:
            raise ValueError(
                "migrate: `features` must be None, for what is stored makes no inputs of the "
                "fields of events."
            )
        assert self.about is not None
        return self.about["features"]

    @property
    def unchanged_features(self) -> tuple[EventFeatures, Any] | None:
        """The features of events and their state as they were; None where there are none."""
        if not self.has_features:
            return None
        features = EventFeatures.from_config(self.features["config"])
        return features, features.restored(self.features["state"])

    @property
    def demon_names(self) -> list[str] | None:
        """What the learner itself calls its heads."""
        demons = self.learner.demons if isinstance(self.learner, AbstractLearner) else ()
        return [demon.name for demon in demons] or None

    @property
    def head_names(self) -> list[str] | None:
        """What the daemon calls the heads, or else the learner."""
        return (self.about or {}).get("head_names") or self.demon_names

    @ft.cached_property
    def n_heads(self) -> int:
        """How many predictions there are; 0 of an agent."""
        return predictions_of(self.learner, self.state, self.feature_dim)

    def input_axes(self, inputs: Places) -> Axes:
        """The axes that count inputs; none where inputs stay as they are."""
        if not inputs.changes:
            return {}
        config, n = self.learner.to_config(), self.feature_dim
        before = leaves_of(config, n)
        try:
            after = leaves_of(config, n + 1)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"migrate: the learner cannot be made for another number of inputs: {error}"
            ) from error
        return growing_axes("input", n, before, after)

    def head_axes(self, heads: Places) -> Axes:
        """The axes that count heads; none where heads stay as they are."""
        if not heads.changes:
            return {}
        n, places = self.feature_dim, [*range(self.n_heads), 0]
        before = leaves_of(self.learner.to_config(), n)
        more = self.learner.with_heads(places, self.names_of_demons(places))
        return growing_axes("head", self.n_heads, before, leaves_of(more.to_config(), n))

    def names_of_demons(self, places: Sequence[int]) -> list[str] | None:
        """A name of its own for each of the demons in these places, whatever it be; None of heads
        that have no names of their own."""
        return None if self.demon_names is None else [f"demon {i}" for i in range(len(places))]

    def record(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """What a descendant tells of it: the name of its file, and what changed."""
        return {
            _MIGRATED_FROM: {
                "name": self.path.name,
                "payload_sha256": self._header.get("payload_sha256"),
                "created_unix": self._header["created_unix"],
                "steps": (self.about or {}).get("steps"),
                **changes,
                _MIGRATED_FROM: self.metadata.get(_MIGRATED_FROM),
            }
        }


def _mark(header: Mapping[str, Any]) -> tuple[Any, Any]:
    """What tells one save from another."""
    return header["created_unix"], header.get("payload_sha256")


def predictions_of(learner: Any, state: Any, feature_dim: int) -> int:
    """How many numbers `predict` gives; 0 of what is no learner, or predicts nothing."""
    predict = getattr(learner, "predict", None)
    if not isinstance(learner, AbstractLearner) or not callable(predict):
        return 0
    x = jax.ShapeDtypeStruct((feature_dim,), jnp.float32)
    return eqx.filter_eval_shape(lambda s, x: predict(s, x), state, x).size
