"""The episodes that an agent in a daemon has lived."""

import math
from typing import Any, NamedTuple

from ..lives.life import RATE

_RECENT = 100


class Episodes(NamedTuple):
    """The episode under way, if there is one, and those before it; replaced by each event.

    `recent`: return, length and whether it terminated of each of the last 100 that ended. The
    running `reward_rate` forgets as that of `interact` does.
    """

    under_way: bool = False
    total: float = 0.0
    length: int = 0
    begun: int = 0
    ended: int = 0
    recent: tuple[tuple[float, int, bool], ...] = ()
    reward_rate: float = 0.0
    reward_rate_weight: float = 0.0
    rejected: int = 0

    def begin(self, over: bool) -> "Episodes":
        """A new one; one that was under way ends nowhere. `over`: its first observation is its
        last, so that there is no step in it."""
        return self._replace(under_way=not over, total=0.0, length=0, begun=self.begun + 1)

    def step(self, reward: float, terminated: bool, truncated: bool) -> "Episodes":
        """One more step. A reward that is no number makes the return none, and no part of the
        rate."""
        rate, weight = self.reward_rate, self.reward_rate_weight
        if math.isfinite(reward):
            weight += RATE * (1.0 - weight)
            rate += RATE / weight * (reward - rate)
        total, length = self.total + reward, self.length + 1
        after = self._replace(
            total=total, length=length, reward_rate=rate, reward_rate_weight=weight
        )
        if not (terminated or truncated):
            return after
        recent = (*self.recent[1 - _RECENT :], (total, length, terminated))
        return after._replace(
            under_way=False, total=0.0, length=0, ended=self.ended + 1, recent=recent
        )

    def stored(self) -> dict[str, Any]:
        """As JSON values."""
        return self._asdict() | {"recent": [list(episode) for episode in self.recent]}

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> "Episodes":
        recent = tuple((total, length, ended) for total, length, ended in stored["recent"])
        fields: dict[str, Any] = {**stored, "recent": recent}
        return cls(**fields)

    def report(self) -> dict[str, Any]:
        """Counts, and the means over the recent episodes; of returns over those that have one."""
        returns = [total for total, _, _ in self.recent if math.isfinite(total)]
        lengths = [length for _, length, _ in self.recent]
        terminated = [ended for _, _, ended in self.recent]
        return {
            "begun": self.begun,
            "ended": self.ended,
            "steps_under_way": self.length if self.under_way else None,
            "recent": len(self.recent),
            "mean_return": _mean(returns),
            "mean_length": _mean(lengths),
            "share_terminated": _mean(terminated),
        }


def _mean(values: list) -> float | None:
    return sum(values) / len(values) if values else None
