"""What of a learner goes into a checkpoint, and the template that it makes from it."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax

from ..components.component import from_config
from ..learners import initial_state, living
from .leaves import Leaf, described


def config_and_init(
    learner: Any, state: Any, leaves: list[Leaf]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The configuration of the learner, and what its `init` was given.

    **Raises:** `TypeError` for a learner without configuration; `ValueError` for a state that is
    not this learner's.
    """
    if not hasattr(learner, "to_config"):
        raise TypeError(f"`learner` must be a component, got {type(learner).__name__}.")
    config = learner.to_config()
    if not hasattr(state, "feature_dim"):
        raise TypeError(
            f"`state` needs a property `feature_dim`, so that load_agent can call the learner's "
            f"init; {type(state).__name__} has none."
        )
    feature_dim = int(state.feature_dim)
    # A state without a life is one lane.
    life = getattr(living(state), "life", None)
    batch_shape = [] if life is None else [int(n) for n in life.words.shape[:-2]]
    init = {"feature_dim": feature_dim, "batch_shape": batch_shape}
    template = _described_template(json.dumps(config), feature_dim, tuple(batch_shape))
    for expected, found in zip(template, leaves, strict=False):
        if expected != found:
            raise ValueError(
                f"`state` is not of this learner: {found.path} is {found.spoken()} where it has "
                f"{expected.spoken()}."
            )
    return config, init


def template_from(config: Mapping[str, Any], init: Mapping[str, Any]) -> Any:
    """Shapes and dtypes of the state that the configured learner makes.

    **Raises:** `ValueError` for a configuration that makes no learner.
    """
    return _template(json.dumps(config), int(init["feature_dim"]), tuple(init["batch_shape"]))


@functools.lru_cache(maxsize=64)
def _described_template(config: str, feature_dim: int, batch_shape: tuple[int, ...]) -> list[Leaf]:
    return described(_template(config, feature_dim, batch_shape))


@functools.lru_cache(maxsize=64)
def _template(config: str, feature_dim: int, batch_shape: tuple[int, ...]) -> Any:
    learner = from_config(json.loads(config))

    state = eqx.filter_eval_shape(lambda: initial_state(learner, feature_dim, jax.random.key(0)))
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((*batch_shape, *leaf.shape), leaf.dtype), state
    )
