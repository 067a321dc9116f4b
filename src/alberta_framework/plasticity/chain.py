"""Several methods, one after the other."""

from collections.abc import Sequence
from typing import Any

import jax.random as jr
from jaxtyping import PRNGKeyArray

from ..components.state import AbstractState
from .abstract import AbstractPlasticity, NetworkStep, Remade, Watched


class PlasticityChainState(AbstractState):
    """That of each method, in their order."""

    methods: tuple[Any, ...]


class PlasticityChain(AbstractPlasticity):
    """Each method acts on what the one before it made of the step.

    `UPGD`, which scales the optimizer's own step, goes first: after a method that makes units new
    it would take their new weights for a part of the step.

    **Arguments:** `methods`: one or more, as in
    `PlasticityChain((ContinualBackprop(), WeightClipping(), PlasticityMonitor()))`.

    **Raises:** `ValueError` without any, `TypeError` for what is none.
    """

    methods: tuple[AbstractPlasticity, ...]

    def __init__(self, methods: Sequence[AbstractPlasticity]):
        given: Any = methods
        self.methods = tuple(given) if isinstance(given, list | tuple) else given

    def __check_init__(self):
        if not isinstance(self.methods, tuple) or not self.methods:
            raise ValueError(
                f"PlasticityChain: `methods` must be one or more of them, got {self.methods!r}."
            )
        for method in self.methods:
            if not isinstance(method, AbstractPlasticity):
                raise TypeError(
                    "PlasticityChain: `methods` must hold AbstractPlasticity, got "
                    f"{type(method).__name__}."
                )

    def init(self, params, key: PRNGKeyArray) -> PlasticityChainState:
        keys = jr.split(key, len(self.methods))
        pairs = zip(self.methods, keys, strict=True)
        return PlasticityChainState(tuple(method.init(params, own) for method, own in pairs))

    def apply(self, state: PlasticityChainState, step: NetworkStep) -> Remade:
        states, renewals = [], ()
        for method, own in zip(self.methods, state.methods, strict=True):
            made = method.apply(own, step)
            step = step.followed_by(made.params)
            states.append(made.state)
            renewals += made.renewals
        return Remade(PlasticityChainState(tuple(states)), step.after, renewals)

    def _witnesses(self, state: PlasticityChainState) -> Any:
        pairs = zip(self.methods, state.methods, strict=True)
        return [method.witnesses(own) for method, own in pairs]

    def _watched(self, state: PlasticityChainState) -> Watched | None:
        pairs = zip(self.methods, state.methods, strict=True)
        told = [method.watched(own) for method, own in pairs]
        return next((one for one in told if one is not None), None)

    def _replaced(self, state: PlasticityChainState) -> Any:
        pairs = zip(self.methods, state.methods, strict=True)
        told = [one for one in (method.replaced(own) for method, own in pairs) if one is not None]
        return sum(told[1:], told[0]) if told else None
