"""The life of a daemon lived again from what it recorded."""

import logging
import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..components.component import from_config
from ..event_features import EventFeatures
from .daemon import Daemon
from .divergence import KeptState
from .event_rows import EventRow, event_recorded
from .recording import Recorded

_log = logging.getLogger(__name__)


def replay_daemon(path: str | os.PathLike, start: str | os.PathLike | None = None) -> Daemon:
    """A daemon that has learned all events of a recording, bit for bit as the one that recorded it,
    and whose features of events carry on the same.

    Of a recording that a crash or a full disk has cut off in the middle of a line, which is logged,
    it has learned what comes before. It has no checkpoint; `save_agent(daemon.learner,
    daemon.state, ...)` keeps what it learned.

    **Arguments:** `path`: of the recording; `start`: a checkpoint of the same life, from which to
    go on; for a recording that does not begin with the first event, the one that it went on from.

    **Raises:** `ValueError` for a recording that lacks events, or does not begin where `start`
    ends; `CheckpointError`; `OSError`.
    """
    recorded = Recorded(path)
    if recorded.torn:
        _log.warning(
            "%s: ends in the middle of a line: of what came after event %s nothing is known",
            recorded.path,
            "0" if recorded.last is None else f"{recorded.last:,}",
        )
    ours = _begun(recorded.about, start)
    begun, restored = ours.steps, _restored(recorded)
    if recorded.first is not None and recorded.first > begun + 1:
        told = "without `start`" if start is None else f"`start` ends with event {begun:,}"
        raise ValueError(
            f"{recorded.path}: begins with event {recorded.first:,}; {told}: give the checkpoint "
            f"of event {recorded.first - 1:,}."
        )
    wanted, kept = set(restored.values()), {begun: ours.state}
    ours.live_apart(_source(ours, restored, kept))
    for line in recorded.lines():
        if line["step"] <= ours.steps or "observation" not in line:
            continue
        _live(ours, line)
        if ours.steps in wanted:
            kept[ours.steps] = ours.state
    return ours


def _begun(about: dict[str, Any], start: str | os.PathLike | None) -> Daemon:
    key = jax.random.wrap_key_data(
        jnp.asarray(about["key"]["data"], jnp.uint32), impl=about["key"]["kind"]
    )
    options = {
        name: about[name]
        for name in ("gamma", "feature_names", "head_names", "on_divergence", "divergence_after")
    }
    # A recording from before its features were part of it holds their rows alone.
    if about.get("features") is not None:
        options["features"] = EventFeatures.from_config(about["features"])
    learner, feature_dim = from_config(about["learner"]), about["feature_dim"]
    if start is None:
        return Daemon(learner, feature_dim, key=key, **options)
    # Its own process may go on with it.
    return Daemon(learner, feature_dim, key=key, checkpoint=start, frozen=True, **options)


def _restored(recorded: Recorded) -> dict[int, int]:
    """After which events which ones' states were restored."""
    return {
        line["step"]: line["restored_from"]
        for line in recorded.lines()
        if line.get("restored_from") is not None
    }


def _source(
    ours: Daemon, restored: dict[int, int], kept: dict[int, Any]
) -> Callable[[int, Any], KeptState | None]:
    def newest_before(steps: int, is_sound: Any) -> KeptState | None:
        del steps, is_sound
        number = restored.get(ours.steps)
        if number is None:
            return None
        if number not in kept:
            raise ValueError(
                f"after event {ours.steps:,} the checkpoint of event {number:,} was restored, "
                "which is from before the replay begins; begin with that one."
            )
        return KeptState(kept[number], number)

    return newest_before


def _live(ours: Daemon, line: dict[str, Any]) -> None:
    fields = line.get("fields")
    event = None if fields is None else event_recorded(fields)
    observation = EventRow(np.asarray(line["observation"], np.float32), event)
    terminated = line.get("terminated", False)
    if ours.acts:
        reward = line.get("reward")
        if "reward" in line and reward is None:
            reward = float("nan")
        ours.act(observation, reward, terminated, line.get("truncated", False))
    else:
        ours.step(observation, np.asarray(line["targets"], np.float32), terminated)
