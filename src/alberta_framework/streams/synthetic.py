"""How a synthetic stream draws: a step at a time, or the same draws for a chunk at once."""

import abc
import functools as ft
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, Float, Int, Key, UInt32

from ..compilation.boundary import compiled_by_itself, strong
from ..compilation.lanes_last import over_last_axis
from ..compilation.unrolled_keys import as_before, is_unrolled, split_by_vectors, unrolled
from ..components.counter import advanced
from ..components.numbers import f32
from ..components.ranges import require_count
from ..components.state import AbstractState
from ..components.types import IntegerLike
from .abstract import AbstractStream, Experience

# Steps drawn at once: few enough for the first cache, many enough for its loop not to count.
_TILE = 128


class AbstractSyntheticState(AbstractState):
    """A state whose `key` is split anew at each step."""

    key: eqx.AbstractVar[Key[Array, ""]]


State = TypeVar("State", bound=AbstractSyntheticState)


class AbstractSyntheticStream(AbstractStream[State, Experience]):
    """A stream that draws its experience.

    A step is taken apart into what depends on its keys alone (`_draw`), what its counters say
    (`_schedule`) and what is carried from step to step (`_advance`). A chunk does the first two
    for many of its steps at once and scans over the third.
    """

    _keys_per_step: eqx.AbstractClassVar[int]

    @abc.abstractmethod
    def _draw(self, keys: Key[Array, " keys"]) -> Any:
        """The random numbers of one step; `keys` are those after the next state's key."""

    @abc.abstractmethod
    def _schedule(self, state: State, ahead: UInt32[Array, "*steps"]) -> Any:
        """What the counters say of the steps `ahead` of `state`, elementwise."""

    @abc.abstractmethod
    def _advance(self, state: State, draws: Any, now: Any) -> tuple[Experience, State]:
        """One step: its experience and the carried fields; leaves key and counters alone."""

    @abc.abstractmethod
    def _counted(self, state: State, num_steps: int) -> dict[str, Any]:
        """The counters of the state `num_steps` later, by field."""

    @compiled_by_itself
    def step(self, state: State, idx: IntegerLike = 0) -> tuple[Experience, State]:
        """One unit of experience and the next state; `idx` is ignored, the state's counters act."""
        del idx
        keys = jr.split(state.key, self._keys_per_step)
        now = self._schedule(state, jnp.zeros((), jnp.uint32))
        experience, after = self._advance(state, self._draw(keys[1:]), now)
        return experience, after.replace(key=keys[0], **self._counted(state, 1))

    def rollout(self, state: State, num_steps: int) -> tuple[Experience, State]:
        require_count(type(self).__name__, "num_steps", num_steps, low=0, high=2**31)
        return _rollout(strong(self), state, num_steps=int(num_steps))


@ft.partial(jax.jit, static_argnames="num_steps", inline=True)
def _rollout(stream, state, *, num_steps):
    def next_keys(key, _):
        keys = split_by_vectors(key, stream._keys_per_step)
        return keys[0], keys[1 : stream._keys_per_step]

    # Dot products stay in the second scan: batched over the steps, they sum in another order.
    def advance(state, drawn):
        experience, state = stream._advance(state, *drawn)
        return state, experience

    key, keys = jax.lax.scan(next_keys, unrolled(state.key), length=num_steps)
    key = as_before(key, state.key)
    schedule = stream._schedule(state, jnp.arange(num_steps, dtype=jnp.uint32))
    drawn = (_drawn(stream, keys, num_steps), schedule)
    after, experience = jax.lax.scan(advance, state, drawn, length=num_steps)
    return experience, after.replace(key=key, **stream._counted(state, num_steps))


def _drawn(stream: Any, keys: Key[Array, "steps keys"], num_steps: int) -> Any:
    """The draws of all steps, time axis first.

    A processor computes along the last axis, which of one step is short: there the steps of a tile
    lie, which is turned around when it is drawn. The loop over tiles keeps XLA from computing in
    the order of what it is turned into.
    """
    if num_steps == 0 or not is_unrolled(keys):
        return jax.vmap(stream._draw)(keys)
    length = min(_TILE, num_steps)
    words = jr.key_data(keys)
    missing = -num_steps % length
    words = jnp.concatenate([words, words[:missing]]) if missing else words

    def draw(words):
        return stream._draw(jr.wrap_key_data(words, impl=jr.key_impl(keys)))

    def of_tile(words):
        return over_last_axis(draw, jnp.moveaxis(words, 0, -1), lanes=length, shared=(False,))

    def in_time(array):
        array = jnp.moveaxis(array, -1, 1)
        return array.reshape(-1, *array.shape[2:])[:num_steps]

    tiles = jax.lax.map(of_tile, words.reshape(-1, length, *words.shape[1:]))
    return jax.tree.map(in_time, tiles)


def phase(
    position: Int[Array, ""], ahead: UInt32[Array, "*steps"], period: ArrayLike
) -> Int[Array, "*steps"]:
    """The phase counter `position`, modulo `period`, after `ahead` more steps."""
    # Both are below 2^31, so that their sum is exact in uint32.
    period = jnp.asarray(period, jnp.int32).astype(jnp.uint32)
    position = jnp.asarray(position, jnp.int32).astype(jnp.uint32)
    return ((position + ahead) % period).astype(jnp.int32)


def counted(state: Any, num_steps: int, **periods: ArrayLike) -> dict[str, Any]:
    """The `steps` of the state and its phase counters `num_steps` later."""
    ahead = jnp.uint32(num_steps)
    phases = {name: phase(getattr(state, name), ahead, p) for name, p in periods.items()}
    return {"steps": advanced(state.steps, ahead)} | phases


def noisy_target(
    weights: Float[Array, " d"],
    features: Float[Array, " d"],
    noise_std: ArrayLike,
    noise: Float[Array, ""],
) -> Float[Array, "1"]:
    """w.x + noise_std noise."""
    return jnp.reshape(weights @ features + f32(noise_std) * noise, 1)
