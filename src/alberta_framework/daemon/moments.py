"""What a daemon is between two events, and how an event exchanges it for the next."""

import threading
from typing import Any, NamedTuple

import jax
import numpy as np

from ..event_features import EventFeaturesState
from .event_kind import AbstractEventKind, Turn
from .verdict import is_rejected, rejected_in_a_row


class Moment(NamedTuple):
    """What a daemon is between two events: the learner's words, what its kind of events carries on
    besides, how many events there were, how many of the last ones were rejected in a row although
    their numbers are sound, and what the features of events carry on."""

    words: Any
    carried: Any
    steps: int
    in_a_row: int
    featured: EventFeaturesState | None


class Moments:
    """The moments of a daemon, exchanged as one, so that no interrupt finds half of an event.

    Whoever changes them, or needs words that no event takes away meanwhile, holds the `lock`.

    - `now`: the latest, unless an event was interrupted; `settled` tells it then too.
    """

    __slots__ = ("_kind", "_lock", "_under_way", "now")

    def __init__(self, kind: AbstractEventKind, first: Moment, lock: threading.RLock):
        self.now, self._kind, self._lock = first, kind, lock
        self._under_way: tuple[list, Moment] | None = None

    def seen(self) -> Moment:
        """As it is now; waits only for an event of another thread, or after an interrupted one."""
        if self._under_way is None:
            return self.now
        with self._lock:
            return self.settled()

    def settled(self) -> Moment:
        """The daemon between two events, once one that was interrupted is finished."""
        if self._under_way is not None:
            done, after = self._under_way
            if done:
                self.now, _ = self._finished(done, after, self.now.featured)
            elif jax.tree.leaves(self.now.words)[0].is_deleted():
                raise RuntimeError(
                    "Daemon: a step failed after its program had begun, and the state is lost; "
                    "make a new Daemon, which resumes from the checkpoint."
                )
            self._under_way = None
        return self.now

    def take(self, turn: Turn, featured: EventFeaturesState | None) -> np.ndarray:
        """The row that an event gives, once its program has run; the daemon is settled.

        What the event will have changed besides the words is noted first. If a signal raises
        anywhere in here, `settled` finds either a result beside the note, and finishes the event,
        or none: then the program was not called, and the moment before still holds.
        """
        words, _, steps, in_a_row, before = self.now
        programs = self._kind.programs
        # The words are the old ones until the program has run.
        after = Moment(words, turn.carried, steps + 1, in_a_row, featured)
        if not turn.changes:
            found = np.asarray(programs.call(turn.program, words, turn.numbers))
            self.now = after
            return found
        done: list = []
        self._under_way = done, after
        programs.call_into(done, turn.program, words, turn.numbers)
        self.now, found = self._finished(done, after, before)
        self._under_way = None
        return found

    def pass_over(self, featured: EventFeaturesState | None) -> None:
        """Let the features move on with an event from which nothing is learned."""
        self.now = self.settled()._replace(featured=featured)

    def go_on_from(self, state: Any) -> None:
        """Let a state from another time take the place of this one."""
        before = self.settled()
        state, carried = self._kind.recovered(state, before.carried)
        words = self._kind.programs.packed(state)
        self.now = before._replace(words=words, carried=carried, in_a_row=0)

    def _finished(
        self, done: list, after: Moment, before: EventFeaturesState | None
    ) -> tuple[Moment, np.ndarray]:
        """The moment after an event, and its row; waits for the program, which reads the numbers
        until then. After a rejected event features carry on what they did `before`."""
        words, found = done[0]
        found, kind = np.asarray(found), self._kind
        _, carried, steps, in_a_row, featured = after
        said = kind.said(found)
        in_a_row = rejected_in_a_row(said, in_a_row)
        featured = before if is_rejected(said) else featured
        return Moment(words, kind.concluded(carried, found), steps, in_a_row, featured), found
