"""Environments of the package navix."""

import functools as ft
from typing import Any

import equinox as eqx
import jax
from jaxtyping import PRNGKeyArray

from ...components.types import Hyperparameter
from ...interface import DiscreteActions
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
from .packages import imported, too_old


class NavixEnvironment(AbstractAdapter):
    """A gridworld of navix, of version 4 or later: `NavixEnvironment("Navix-Empty-5x5-v0")`.

    They are those of MiniGrid. What is seen is the grid in symbols, three numbers for each cell.

    **Arguments:**

    - `env_id`: the name by which navix registers it.
    - `time_limit`: an integer in [1, 2^31); None or infinity: none. Default `"package"`: navix's,
      mostly four times the number of cells.

    **Raises:** `ImportError` that names the extra where navix is missing, or too old (which it is
    in Python 3.11); `ValueError` for a name that it does not know.
    """

    env_id: str = eqx.field(static=True)
    time_limit: Hyperparameter | None = eqx.field(metadata={"counts_steps": True})

    def __init__(self, env_id: str, time_limit: TimeLimitChoice = "package"):
        self.env_id = env_id
        require_listed(self, "env_id", imported("navix", "navix").registry())
        self.time_limit = chosen_limit(self._world(), time_limit)

    def __check_init__(self):
        require_limit(self)

    def _world(self) -> World:
        return _made(self.env_id)

    def _begun(self, key: PRNGKeyArray) -> tuple[Any, Any]:
        inner = self._world().inner.reset(key)
        return inner, inner.observation

    def _moved(self, inner: Any, action: Any, key: PRNGKeyArray) -> Outcome:
        # Its chance follows the key in its state, which so is that of the step.
        inner = inner.replace(state=inner.state.replace(key=key))
        after = self._world().inner.step(inner, action)
        return Outcome(after, after.observation, after.reward, after.is_termination())


@ft.cache
def _made(env_id: str) -> World:
    navix = imported("navix", "navix")
    if not hasattr(navix.environments.Environment, "disable_autoreset"):
        raise too_old("navix", "4")
    # Outside of any trace, as what is made is kept. Its own way to reset is on the step after an
    # end, whose action it drops.
    with jax.ensure_compile_time_eval():
        inner = navix.make(env_id, disable_autoreset=True)
    state = jax.eval_shape(inner.reset, jax.random.key(0))
    actions = DiscreteActions(len(inner.action_set))
    return World(inner, vector_size(state.observation), actions, int(inner.max_steps))
