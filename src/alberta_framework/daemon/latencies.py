"""How long the events took."""

import numpy as np

_KEPT = 8192


class Latencies:
    """The latest latencies in seconds, the count and the largest of all."""

    def __init__(self):
        self.recent = np.zeros(_KEPT)
        self.count, self.largest = 0, 0.0

    def add(self, seconds: float) -> None:
        self.recent[self.count % _KEPT] = seconds
        self.count += 1
        if seconds > self.largest:
            self.largest = seconds

    def to_dict(self) -> dict[str, float | int | None]:
        """Count, percentiles of the latest 8,192 and the largest, in microseconds."""
        kept = self.recent[: min(self.count, _KEPT)] * 1e6
        names = ("median_us", "p90_us", "p99_us")
        found = np.percentile(kept, (50, 90, 99)) if kept.size else (None, None, None)
        values = [None if value is None else round(float(value), 3) for value in found]
        largest = round(self.largest * 1e6, 3) if self.count else None
        return {"count": self.count} | dict(zip(names, values, strict=True)) | {"max_us": largest}
