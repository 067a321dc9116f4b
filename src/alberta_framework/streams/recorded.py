"""Recorded experience of any kind as a stream."""

from typing import Any

from .arrays import AbstractArrayStream


class RecordedStream(AbstractArrayStream[Any]):
    """Replays a record of experience whose arrays have time as first axis.

    What the loops over arrays drive; `ArrayStream` and `TDArrayStream` are its typed forms for
    examples and transitions. Absent fields of the record are None.
    """

    record: Any

    @property
    def feature_dim(self) -> int:
        return self.record.observation.shape[-1]

    def _record(self):
        return self.record
