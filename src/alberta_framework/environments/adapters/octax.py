"""Games of the package octax."""

import functools as ft
import importlib
import pkgutil
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
from .packages import imported

_NEVER = 2**31 - 1


class OctaxEnvironment(AbstractAdapter):
    """A game of the CHIP-8, emulated by octax: `OctaxEnvironment("brix")`.

    What is seen are the last four frames of 64 by 32 pixels, in 8192 numbers that are 0 or 1. The
    last action is to press nothing. Every episode begins in the same state of the machine.

    **Arguments:**

    - `env_id`: the name of the game in octax, and of the level, as in `"cavern2"`.
    - `time_limit`: an integer in [1, 2^31); None or infinity: none. Default `"package"`: octax's,
      4500.

    **Raises:** `ImportError` that names the extra where octax, or OpenCV, which it imports, is
    missing; `ValueError` for a name that it does not know.
    """

    env_id: str = eqx.field(static=True)
    time_limit: Hyperparameter | None = eqx.field(metadata={"counts_steps": True})

    def __init__(self, env_id: str, time_limit: TimeLimitChoice = "package"):
        self.env_id = env_id
        games = imported("octax", "octax.environments")
        known = sorted(found.name for found in pkgutil.iter_modules(games.__path__))
        if not isinstance(env_id, str) or _game(env_id) not in known:
            require_listed(self, "env_id", known)
        self.time_limit = chosen_limit(self._world(), time_limit)

    def __check_init__(self):
        require_limit(self)

    def _world(self) -> World:
        return _made(self.env_id)

    def _begun(self, key: PRNGKeyArray) -> tuple[Any, Any]:
        inner, observation, _ = self._world().inner.reset(key)
        return inner, observation

    def _moved(self, inner: Any, action: Any, key: PRNGKeyArray) -> Outcome:
        # Its chance follows the key in its state, which so is that of the step.
        after, observation, reward, terminated, _, _ = self._world().inner.step(
            inner.replace(rng=key), action
        )
        return Outcome(after, observation, reward, terminated)


def _game(env_id: str) -> str:
    """The game without its level."""
    return env_id.replace("-", "_").rstrip("0123456789")


@ft.cache
def _made(env_id: str) -> World:
    games = imported("octax", "octax.environments")
    game = importlib.import_module(f"{games.__name__}.{_game(env_id)}")
    rom = {name: value for name, value in vars(game).items() if name == "rom_file"}
    try:
        # Outside of any trace, as what is made is kept.
        with jax.ensure_compile_time_eval():
            inner, _ = games.create_environment(env_id)
    except (FileNotFoundError, AttributeError) as error:
        raise ValueError(
            f"OctaxEnvironment: `env_id` must name a level of {_game(env_id)!r} that there is, got "
            f"{env_id!r}."
        ) from error
    finally:
        # It writes the level into its own module, for all games that are made later.
        vars(game).pop("rom_file", None)
        vars(game).update(rom)
    limit, inner.max_num_steps_per_episodes = inner.max_num_steps_per_episodes, _NEVER
    _, observation, _ = jax.eval_shape(inner.reset, jax.random.key(0))
    return World(inner, vector_size(observation), DiscreteActions(inner.num_actions), limit)
