"""A learner that diverged: known by what it rejects, and begun again from sound numbers."""

import logging
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import jax
from jaxtyping import PRNGKeyArray

from ..components.ranges import require_choice, require_count
from ..learners import AbstractLearnerState, born, initial_state, living
from ..normalizers import AbstractNormalizerState

_log = logging.getLogger(__name__)

_WAYS = ("warn", "restore", "reset")
# So many times the events of a row have to be learned before what was restored counts as sound:
# weights take a while to run away.
_SETTLED = 10
_ADVICE = (
    "its weights have run away, and it will reject all that comes. Daemon(on_divergence="
    '"restore") begins again from the newest sound checkpoint; a smaller step size, a bounder or a '
    "`clip` of the normalizer may keep it from happening"
)


class KeptState(NamedTuple):
    """A state from a checkpoint, and the event after which it was written."""

    state: Any
    steps: int


# The newest kept state of at most so many steps that is sound; None without one.
NewestBefore = Callable[[int, Callable[[Any], bool]], KeptState | None]


class Divergence:
    """Watches how many events in a row are rejected whose numbers are sound, and what follows.

    A learner whose weights have run away rejects each event, for the state after it would not be
    finite, and so it stays for ever. After `after` such events in a row it is told, once, and where
    it is to recover it gets the parameters of a state that was sound:

    - "restore": those of the newest checkpoint from before the trouble. If they run away again
      before ten times `after` events have come, those of an older one; without one, as "reset".
    - "reset": new ones, drawn anew; the statistics of its normalizers stay.

    Counts, birth and uptime go on as they were.
    """

    # What is told of it, and stored in checkpoints.
    _counts: ClassVar[tuple[str, ...]] = ("diverged", "restored", "reset", "last_at_step")

    def __init__(
        self,
        learner: Any,
        feature_dim: int,
        key: PRNGKeyArray,
        on_divergence: str,
        after: int,
    ):
        require_choice("Daemon", "on_divergence", on_divergence, _WAYS)
        require_count("Daemon", "divergence_after", after)
        self.how, self.after = on_divergence, int(after)
        self._learner, self._feature_dim, self._key = learner, feature_dim, key
        self.under_way = False
        self._told = False
        self._sound_until = 0
        # The event of the last recovery, and that of the checkpoint it took.
        self._recovered_at: int | None = None
        self._restored_from: int | None = None
        self.diverged = self.restored = self.reset = 0
        self.last_at_step: int | None = None

    @property
    def recovers(self) -> bool:
        """Whether more is done than to tell."""
        return self.how != "warn"

    def warm_up(self, state: Any) -> None:
        """Compile what a recovery needs."""
        self._anew(state, 1)

    def is_due(self, in_a_row: int, steps: int) -> bool:
        """Whether it has just become clear that the learner diverged.

        To be called after each event that was rejected, and after the one that ends the row.
        """
        if in_a_row == 0:
            self.under_way = self._told = False
            return False
        if not self.under_way:
            self.under_way, self._sound_until = True, steps - 1
        return in_a_row >= self.after and not self._told

    def recovered(self, state: Any, newest_before: NewestBefore) -> tuple[Any, int | None]:
        """The state to go on from, and the event of the checkpoint it is from, if it is from one;
        nothing is noted yet."""
        kept = newest_before(self._limit, self._is_sound) if self.how == "restore" else None
        if kept is None:
            return self._anew(state, self.reset + 1), None
        return self.with_life_of(kept.state, state), kept.steps

    def with_life_of(self, sound: Any, state: Any) -> Any:
        """The sound state, as old and with the counts of `state`."""
        found = living(state)
        if not isinstance(found, AbstractLearnerState):
            return sound
        return born(sound, found.replace(rejected_in_a_row=0).life)

    def note(self, name: str, steps: int, restored_from: int | None) -> None:
        """It diverged by the event `steps`, and what follows is done."""
        self._told = True
        self.diverged += 1
        self.last_at_step = steps
        if not self.recovers:
            done = _ADVICE
        elif restored_from is None:
            self.reset += 1
            self._recovered_at = steps
            done = "began anew with the statistics of its normalizers"
            if self.how == "restore":
                done += ", there being no sound checkpoint from before"
        else:
            self.restored += 1
            self._recovered_at, self._restored_from = steps, restored_from
            done = f"restored the checkpoint of event {restored_from:,}"
        if self.recovers:
            self.under_way = self._told = False
        _log.warning(
            "the %s has diverged: %s events in a row up to event %s were rejected although their "
            "numbers are finite; %s",
            name,
            f"{self.after:,}",
            f"{steps:,}",
            done,
        )

    def report(self, in_a_row: int) -> dict[str, Any]:
        """For `Daemon.report`."""
        told = {"on_divergence": self.how, "rejected_in_a_row": in_a_row}
        return told | {name: getattr(self, name) for name in self._counts}

    def stored(self, in_a_row: int) -> dict[str, Any]:
        """As JSON values for the checkpoint."""
        return {
            "rejected_in_a_row": in_a_row,
            "sound_until": self._sound_until if in_a_row else None,
            "recovered_at": self._recovered_at,
            "restored_from": self._restored_from,
        } | {name: getattr(self, name) for name in self._counts}

    def resume(self, stored: dict[str, Any]) -> int:
        """Go on where the checkpoint was written; how many events in a row were rejected then."""
        in_a_row = stored["rejected_in_a_row"]
        self._recovered_at, self._restored_from = stored["recovered_at"], stored["restored_from"]
        for name in self._counts:
            setattr(self, name, stored[name])
        if in_a_row:
            self.under_way, self._sound_until = True, stored["sound_until"]
            self._told = in_a_row >= self.after and not self.recovers
        return in_a_row

    @property
    def _limit(self) -> int:
        """The last event whose state may be restored."""
        recovered, restored_from = self._recovered_at, self._restored_from
        if recovered is None or restored_from is None:
            return self._sound_until
        again = self._sound_until - recovered < _SETTLED * self.after
        return restored_from - 1 if again else self._sound_until

    def _is_sound(self, state: Any) -> bool:
        found = living(state)
        return not isinstance(found, AbstractLearnerState) or found.rejected_in_a_row < self.after

    def _anew(self, state: Any, number: int) -> Any:
        """A new state, with the statistics and the life of `state`. Each has draws of its own."""
        key = jax.random.fold_in(self._key, number)
        fresh = initial_state(self._learner, self._feature_dim, key)
        with_statistics = jax.tree.map(
            lambda new, old: old if isinstance(new, AbstractNormalizerState) else new,
            fresh,
            state,
            is_leaf=lambda node: isinstance(node, AbstractNormalizerState),
        )
        return self.with_life_of(with_statistics, state)
