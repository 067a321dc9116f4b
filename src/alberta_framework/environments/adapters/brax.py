"""Environments of the package brax."""

import functools as ft
from typing import Any

import equinox as eqx
import jax
from jaxtyping import PRNGKeyArray

from ...components.ranges import require_choice
from ...components.types import Hyperparameter
from ...interface import BoxActions
from .abstract import (
    AbstractAdapter,
    Outcome,
    TimeLimitChoice,
    World,
    chosen_limit,
    require_limit,
    require_listed,
    vector_size,
)
from .packages import imported

_BACKENDS = ("generalized", "spring", "positional", "mjx")
_EPISODE_LENGTH = 1000  # that of `brax.envs.create`, whose wrappers count it and reset


class BraxEnvironment(AbstractAdapter):
    """A body that brax simulates: `BraxEnvironment("hopper")`.

    Actions are numbers in [-1, 1], one for each motor.

    **Arguments:**

    - `env_id`: the name by which brax registers it.
    - `backend`: what simulates it: `"generalized"`, `"spring"`, `"positional"` or `"mjx"`.
    - `time_limit`: an integer in [1, 2^31); None or infinity: none. Default `"package"`: 1000.

    **Raises:** `ImportError` that names the extra where brax is missing; `ValueError` for a name
    that it does not know.
    """

    env_id: str = eqx.field(static=True)
    backend: str = eqx.field(static=True)
    time_limit: Hyperparameter | None = eqx.field(metadata={"counts_steps": True})

    def __init__(
        self,
        env_id: str,
        backend: str = "generalized",
        time_limit: TimeLimitChoice = "package",
    ):
        self.env_id = env_id
        self.backend = backend
        require_listed(self, "env_id", imported("brax", "brax.envs")._envs)
        require_choice(type(self).__name__, "backend", backend, _BACKENDS)
        self.time_limit = chosen_limit(self._world(), time_limit)

    def __check_init__(self):
        require_limit(self)

    def _world(self) -> World:
        return _made(self.env_id, self.backend)

    def _begun(self, key: PRNGKeyArray) -> tuple[Any, Any]:
        inner = self._world().inner.reset(key)
        return inner, inner.obs

    def _moved(self, inner: Any, action: Any, key: PRNGKeyArray) -> Outcome:
        del key  # bodies move without chance
        # It writes into the dictionaries of the state that it is given: they are copies.
        after = self._world().inner.step(jax.tree.map(lambda leaf: leaf, inner), action)
        return Outcome(after, after.obs, after.reward, after.done)


@ft.cache
def _made(env_id: str, backend: str) -> World:
    # Outside of any trace, as what is made is kept.
    with jax.ensure_compile_time_eval():
        inner = imported("brax", "brax.envs").get_environment(env_id, backend=backend)
    state = jax.eval_shape(inner.reset, jax.random.key(0))
    actions = BoxActions((int(inner.action_size),))
    return World(inner, vector_size(state.obs), actions, _EPISODE_LENGTH)
