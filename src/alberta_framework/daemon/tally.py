"""What a daemon counts of the events of this process, besides those that were learned."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .latencies import Latencies


class Tally:
    """Events without a label, lines that were wrong, and how long each kind of event took."""

    def __init__(self):
        self.learning, self.predicting = Latencies(), Latencies()
        self.without_label_rejected = self.with_label = 0
        self.error_lines: Counter[str] = Counter()

    def predicted(self, seconds: float, rejected: bool, labelled: bool = False) -> None:
        """An event that was answered without learning took so long; it may have had a label all the
        same, of a daemon that is frozen."""
        self.predicting.add(seconds)
        if labelled:
            self.with_label += 1
        else:
            self.without_label_rejected += rejected

    def error(self, text: str, fields: Sequence[str]) -> None:
        """A line was wrong; the text begins with the field, which is its kind. A field that no
        event has is of the kind "unknown field", so that there are not more kinds than fields."""
        field = text.partition(":")[0].partition(".")[0]
        self.error_lines[field if field in ("line", *fields) else "unknown field"] += 1

    def report(self) -> dict[str, Any]:
        """For `Daemon.report`."""
        return {
            "latency": self.learning.to_dict(),
            "predict_latency": self.predicting.to_dict(),
            "events_without_label": self.predicting.count - self.with_label,
            "events_not_learned": self.with_label,
            "events_without_label_rejected": self.without_label_rejected,
            "error_lines": dict(self.error_lines),
        }
