"""Self-normalized resets: units that are silent for longer than they ever are."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_count, require_range, require_steps
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from .abstract import AbstractPlasticity, NetworkStep, Remade, require_layers, require_units
from .units import by_layer, grown, hidden_sizes, lowest, made_new, of_all_units, seen


class SelfNormalizedResetsState(AbstractState):
    """Of all units, layer after layer: the steps since they last fired, the average of such
    intervals, which began at 0, and how many it has seen; of each hidden layer the units made new.
    """

    silence: Int[Array, " all_units"]
    interval: Float[Array, " all_units"]
    firings: Int[Array, " all_units"]
    replaced: Int[Array, " layers"]
    key: PRNGKeyArray
    sizes: tuple[int, ...] = eqx.field(static=True)


class SelfNormalizedResets(AbstractPlasticity):
    r"""Makes a unit new when its silence is longer than its own history leaves likely.

    A unit fires where h_i > 0. With a_i the steps since it last did and mu_i the average interval
    between its firings, it is made new when

        (1 - 1 / mu_i)^{a_i} <= rejection,    or a_i >= max_silence

    the left side being the chance of so long a silence, were the intervals geometric. So a unit
    that fires rarely is given more time than one that fires at every second step; one that has not
    fired twice has until `max_silence`. New units are made as by `ReDo`, those with the smallest
    chance first.

    Source: Farias and Jozefiak (2024), Self-Normalized Resets for Plasticity in Continual Learning,
    arXiv:2410.20098, who take the empirical distribution of the intervals.

    It is asked at every step, so the chance has to be small: at 0.01 every unit would be made new
    after about a hundred firings, dead or not.

    **Arguments:** `rejection` in (0, 1), default 1e-8; `decay_rate` in [0, 1) of the average over
    intervals, default 0.99; `max_silence` >= 1 steps, default 20,000; `max_replacements` >= 1,
    default 1: of a layer in one step, what is due beyond waits; `gain` > 0, default 1, of the drawn
    weights.
    """

    rejection: Hyperparameter = 1e-8
    decay_rate: Hyperparameter = 0.99
    max_silence: Hyperparameter = eqx.field(default=20_000, metadata={"counts_steps": True})
    max_replacements: int = eqx.field(static=True, default=1)
    gain: Hyperparameter = 1.0

    def __check_init__(self):
        owner = "SelfNormalizedResets"
        require_range(self, "rejection", 0.0, 1.0, open_low=True, open_high=True)
        require_range(self, "decay_rate", 0.0, 1.0, open_high=True)
        require_steps(self, "max_silence")
        require_count(owner, "max_replacements", self.max_replacements)
        require_range(self, "gain", 0.0, open_low=True)

    def init(self, params, key: PRNGKeyArray) -> SelfNormalizedResetsState:
        sizes = hidden_sizes(require_layers("SelfNormalizedResets", params))
        whole = jnp.zeros(sum(sizes), jnp.int32)
        return SelfNormalizedResetsState(
            silence=whole,
            interval=jnp.zeros(sum(sizes), jnp.float32),
            firings=whole,
            replaced=jnp.zeros(len(sizes), jnp.int32),
            key=key,
            sizes=sizes,
        )

    def apply(self, state: SelfNormalizedResetsState, step: NetworkStep) -> Remade:
        activations, fresh = require_units("SelfNormalizedResets", step)
        decay, sizes = f32(self.decay_rate), state.sizes
        if not sizes:
            return Remade(state, step.after)
        fires = of_all_units(activations, sizes) > 0.0
        lasted = grown(state.silence)
        interval = decay * state.interval + (1.0 - decay) * f32(lasted)
        interval = jnp.where(fires, interval, state.interval)
        firings = jnp.where(fires, grown(state.firings), state.firings)
        silence = jnp.where(fires, 0, lasted)
        mean = interval / jnp.where(firings > 0, seen(decay, firings), 1.0)
        # The logarithm of the chance; a unit that fires at every step has none to be silent.
        rate = jnp.minimum(1.0 / jnp.maximum(mean, 1.0), 1.0 - 1e-6)
        chance = jnp.where(firings > 1, f32(silence) * jnp.log1p(-rate), 0.0)
        too_long = f32(silence) >= f32(self.max_silence)
        old = (chance <= jnp.log(f32(self.rejection))) | too_long

        def choose():
            parts = by_layer(chance, sizes), by_layer(old, sizes)
            return tuple(
                lowest(
                    score,
                    due,
                    min(self.max_replacements, size),
                    lambda rank, due=due: rank < jnp.sum(due),
                )
                for score, due, size in zip(*parts, sizes, strict=True)
            )

        due, kept = jnp.any(old) & step.learns, (silence, interval, firings)
        made = made_new(step, due, choose, kept, state.key, fresh, self.gain)
        silence, interval, firings = made.kept
        after = SelfNormalizedResetsState(
            silence=silence,
            interval=interval,
            firings=firings,
            replaced=state.replaced + made.counts,
            key=state.key,
            sizes=sizes,
        )
        after = step.kept(after, state).replace(key=made.key)
        return Remade(after, made.params, (made.renewal,))

    def _replaced(self, state: SelfNormalizedResetsState) -> Int[Array, " layers"]:
        return state.replaced
