"""A horde that sees features of what is observed."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..compilation.boundary import compiled
from ..components.numbers import all_finite, f32, truth
from ..components.ranges import require_count, require_key, require_part
from ..experience import DemonStep
from ..features import AbstractFeatures, Percept
from ..learners import AbstractHolderState, AbstractLearner, MetricParts, Metrics, rejections


class HordeWithFeaturesState(AbstractHolderState):
    """The horde's state and that of the features; the last observation, what the horde was shown of
    it, and whether the next transition begins there."""

    horde_state: Any
    features_state: Any
    last_observation: Float[Array, " observation"]
    last_shown: Float[Array, " features"]
    goes_on: Bool[Array, ""]

    holds: ClassVar[str] = "horde_state"

    @property
    def feature_dim(self) -> int:
        """How many numbers an observation has."""
        return self.last_observation.shape[-1]


class HordeWithFeatures(AbstractLearner[HordeWithFeaturesState, DemonStep]):
    """`horde`, which is shown of every observation what `features` makes of it.

    The state of the features is part of the learner's: every observation enters it once, also one
    that ends a transition and begins the next. A transition that begins elsewhere than the last one
    ended, or after one that ended the episode for all demons, begins an episode: what the features
    carry within one starts anew. `predict` at the observation that the last transition led to shows
    what was learned from; at another one it shows what the features make of it next, and leaves the
    statistics in them as they are. A rejected step leaves the features as they were.

    The cumulants of demons that take a signal are the next observation's, unless the experience
    has `signals` or `cumulants` of its own: what is observed is what is predicted.

    **Arguments:** `horde`: a learner of `DemonStep`s, as `LinearHorde`; `features`: as
    `nexting_features()`.
    """

    experience: ClassVar[type] = DemonStep
    draws_weights: ClassVar[bool | None] = True

    horde: AbstractLearner
    features: AbstractFeatures

    def __check_init__(self):
        require_part(self, "horde", AbstractLearner)
        require_part(self, "features", AbstractFeatures)
        predicts = callable(getattr(self.horde, "predict", None))
        if self.horde.experience is not DemonStep or not predicts:
            raise TypeError(
                "HordeWithFeatures: `horde` must predict, and learn from DemonSteps, got "
                f"{self.horde!r}."
            )

    @property
    def n_demons(self) -> int:
        return len(self.horde.demons)

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> HordeWithFeaturesState:
        """For observations of `feature_dim` numbers; `key` for what the horde draws."""
        key = require_key("HordeWithFeatures.init", key)
        require_count("HordeWithFeatures.init", "feature_dim", feature_dim)
        shown = self.features.feature_dim_of(int(feature_dim))
        return HordeWithFeaturesState(
            horde_state=self.horde.init(shown, key),
            features_state=self.features.init(int(feature_dim)),
            last_observation=jnp.zeros(int(feature_dim), jnp.float32),
            last_shown=jnp.zeros(shown, jnp.float32),
            goes_on=jnp.zeros((), bool),
        )

    @compiled
    def predict(
        self, state: HordeWithFeaturesState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, " demons"]:
        """The values of all demons at `observation`; nothing changes."""
        x, _ = self._shown_at(state, f32(observation), learning=False)
        horde: Any = self.horde
        return horde.predict(state.horde_state, x)

    def learn(
        self, state: HordeWithFeaturesState, experience: DemonStep
    ) -> tuple[HordeWithFeaturesState, Any]:
        """The horde's `learn` on what it is shown of both observations."""
        now = experience
        here, there = f32(now.observation), f32(now.next_observation)
        x, features_state = self._shown_at(state, here, learning=True)
        next_x, after = self._seen(features_state, Percept(there))
        signals = there if now.signals is None and now.cumulants is None else now.signals
        step = now.replace(observation=x, next_observation=next_x, signals=signals)
        horde_state, outputs = self.horde.learn(state.horde_state, step)
        counted = rejections(horde_state), rejections(state.horde_state)
        accepted = jnp.asarray(True) if counted[0] is None else counted[0] == counted[1]
        # A terminated episode may show last what is no number; it is not carried on.
        after = self.features.kept(after, features_state)
        over = self._all(now.terminated) | self._all(now.truncated) | ~all_finite(next_x)
        moved = state.replace(
            features_state=after,
            last_observation=jnp.where(over, 0.0, there),
            last_shown=jnp.where(over, 0.0, next_x),
            goes_on=~over,
        )
        kept = jax.tree.map(
            lambda new, old: jnp.where(accepted, new, old),
            moved.replace(horde_state=None),
            state.replace(horde_state=None),
        )
        return kept.replace(horde_state=horde_state), outputs

    def _shown_at(
        self, state: HordeWithFeaturesState, x: Array, learning: bool
    ) -> tuple[Array, Any]:
        """What the horde is shown of an observation from which a transition goes out, and the state
        of the features after it: both as they were where the last transition led to it."""
        goes_on = state.goes_on & jnp.all(x == state.last_observation)
        # Asked for a prediction elsewhere, the life is taken to go on there.
        first = ~goes_on if learning else ~state.goes_on
        seen, after = self._seen(state.features_state, Percept(x, first=first, learning=learning))
        pairs = (state.last_shown, state.features_state), (seen, after)
        return jax.tree.map(lambda old, new: jnp.where(goes_on, old, new), *pairs)

    def _seen(self, features_state: Any, percept: Percept) -> tuple[Array, Any]:
        """NaN where a number of the features' state would be none."""
        shown, after = self.features.see(features_state, percept)
        return jnp.where(all_finite(after), shown.observation, jnp.nan), after

    def _all(self, flags: Any) -> Bool[Array, ""]:
        return jnp.asarray(False) if flags is None else jnp.all(truth(flags))

    def _named(self, outputs: Any) -> Metrics:
        return self.horde.metrics(outputs)

    def _parts(self) -> MetricParts:
        return self.horde.metric_parts

    def _demons(self) -> tuple[Any, ...]:
        return self.horde.demons

    def _with_heads(self, places: tuple[int, ...], names: tuple[str, ...]) -> "HordeWithFeatures":
        return HordeWithFeatures(self.horde.with_heads(places, names), self.features)

    def _cut(self, state: HordeWithFeaturesState) -> HordeWithFeaturesState:
        return state.replace(
            horde_state=self.horde.reset_traces(state.horde_state),
            goes_on=jnp.zeros_like(state.goes_on),
        )

    def _cut_of(self, state: HordeWithFeaturesState, mask: Any) -> HordeWithFeaturesState:
        return state.replace(horde_state=self.horde.reset_traces(state.horde_state, mask))
