"""Events as lines of JSON: one line in, one line out."""

import json
from typing import Any

from .action_events import ActionAnswers
from .daemon import Daemon
from .json_lines import EventError
from .label_window import MOST_BYTES, require_window
from .labelled_events import LabelledAnswers


class EventProcessor:
    """Carries lines through a daemon; a bad line is answered and changes nothing.

    Of a learner: an event with an `id` and an observation is remembered, so that targets may follow
    later under the same `id`; learning then happens on the observation as it was, once for each
    head. The latest `label_window` observations are remembered, of `label_window_bytes` together,
    by this processor alone: where several clients number their events each on their own, each needs
    a processor of its own. Those of a `client` that has a name are saved with the state of the
    daemon, and found again by a processor of the same name after a restart; a client may say its
    name by a line too, {"client": NAME}, before its first event.
    Targets that are all null are no label, and a learner of examples predicts only.

    Of an agent: each event is one of `Daemon.act`.

    **Arguments:** `daemon`, with its names of features and heads; `label_window` >= 0,
    `label_window_bytes` >= 0, default 64 MiB; `client`, default None.
    """

    def __init__(
        self,
        daemon: Daemon,
        label_window: int = 10_000,
        label_window_bytes: int = MOST_BYTES,
        client: str | None = None,
    ):
        require_window("EventProcessor", label_window, label_window_bytes)
        self.daemon = daemon
        if daemon.acts:
            self._answers = ActionAnswers(daemon)
        else:
            self._answers = LabelledAnswers(daemon, label_window, label_window_bytes, client)
        self.schema = self._answers.schema

    def process(self, line: str | bytes, number: int) -> dict[str, Any]:
        """The answer to a line: of an event its predictions or its action, of a bad line the
        error."""
        try:
            return self._answers.answer(line)
        except EventError as error:
            self.daemon.tally.error(str(error), self.schema.fields)
            return {"id": error.id, "line": number, "error": str(error)}

    def answer(self, line: str | bytes, number: int) -> bytes:
        """The answer as a line of JSON."""
        return json.dumps(self.process(line, number), separators=(",", ":")).encode() + b"\n"
