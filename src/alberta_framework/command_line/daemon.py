"""`alberta daemon`: a learner between lines of JSON."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax

from .._component import from_config
from ..checkpoints import CheckpointError
from ..daemon import Daemon, EventProcessor
from ..daemon.serving import Stop, serve_socket, serve_stream
from .catalogue import parsed
from .problems import Problem, UsageProblem, reason

_KEYS = {
    "learner": dict,
    "feature_dim": int,
    "feature_names": list,
    "head_names": list,
    "gamma": (int, float),
    "seed": int,
    "keep": int,
    "checkpoint_every": int,
    "checkpoint_every_s": (int, float),
    "label_window": int,
}
_RANGES = {
    "label_window": (0, 2**31),
    "seed": (0, 2**63),
    "checkpoint_every": (1, 2**63),
    "checkpoint_every_s": (1e-3, float("inf")),
}
_EVERY_S = 60.0


def daemon(
    config: Path, checkpoint: Path | None, socket: Path | None, report_every: int | None
) -> int:
    """Serve events until the input ends, SIGTERM or SIGINT; then save.

    **Returns:** the exit code: 0, or 1 if the state could not be saved at the end.

    **Raises:** `Problem` for what a user can mend.
    """
    # Handing each small program to another thread costs more than the program; only before the
    # first computation can it be turned off.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    learner_daemon, label_window = _made(config, checkpoint)
    processor = EventProcessor(learner_daemon, label_window)

    def answer(line: bytes, number: int) -> bytes:
        before = learner_daemon.steps
        found = processor.answer(line, number)
        after = learner_daemon.steps
        if report_every and after > before and after % report_every == 0:
            print(json.dumps({"report": learner_daemon.report()}), file=sys.stderr, flush=True)
        return found

    said = f"resumed at {learner_daemon.steps:,} events" if learner_daemon.steps else "a new state"
    where = "standard input" if socket is None else str(socket)
    print(f"alberta: {type(learner_daemon.learner).__name__}, {said}; {where}", file=sys.stderr)
    with _stopped_by_signals() as stop:
        try:
            if socket is None:
                serve_stream(sys.stdin.fileno(), sys.stdout.fileno(), answer, stop)
            else:
                serve_socket(socket, answer, stop)
        except OSError as error:
            raise Problem(f"cannot serve {where}: {error}.") from error
        finally:
            saved = _saved(learner_daemon)
    print(f"alberta: {learner_daemon.steps:,} events; {saved}", file=sys.stderr)
    return 1 if saved.startswith("NOT") else 0


def _saved(learner_daemon: Daemon) -> str:
    if learner_daemon.checkpoint is None:
        return "nothing is saved without --checkpoint"
    try:
        learner_daemon.save()
    except (OSError, ValueError) as error:
        return f"NOT saved: {error}"
    return f"saved to {learner_daemon.checkpoint}"


def _made(config: Path, checkpoint: Path | None) -> tuple[Daemon, int]:
    found = parsed(config)
    for key, value in found.items():
        if key not in _KEYS:
            raise UsageProblem(f"{config}: unknown key {key!r}; known: {', '.join(_KEYS)}.")
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            raise UsageProblem(f"{config}: {key}: has the wrong kind of value: {value!r:.80}.")
    if "learner" not in found:
        raise UsageProblem(f"{config}: missing key 'learner'.")
    names = found.get("feature_names")
    feature_dim = found.get("feature_dim", None if names is None else len(names))
    if feature_dim is None:
        raise UsageProblem(f"{config}: needs 'feature_names' or 'feature_dim'.")
    for key, (low, high) in _RANGES.items():
        if key in found and not low <= found[key] < high:
            raise UsageProblem(f"{config}: {key}: must be >= {low}, got {found[key]}.")
    label_window = found.get("label_window", 10_000)
    options: dict[str, Any] = {
        key: found[key]
        for key in ("head_names", "feature_names", "gamma", "keep", "checkpoint_every")
        if key in found
    }
    if checkpoint is not None:
        every_s = None if "checkpoint_every" in found else _EVERY_S
        options["checkpoint_every_s"] = found.get("checkpoint_every_s", every_s)
    else:
        options.pop("checkpoint_every", None)
    try:
        learner = from_config(found["learner"])
        made = Daemon(
            learner,
            feature_dim,
            key=jax.random.key(found.get("seed", 0)),
            checkpoint=checkpoint,
            **options,
        )
    except CheckpointError as error:
        raise Problem(f"cannot resume: {error}") from error
    except (TypeError, ValueError) as error:
        raise UsageProblem(f"{config}: {error}") from error
    except OSError as error:
        raise Problem(f"cannot resume from {checkpoint}: {reason(error)}.") from error
    return made, label_window


@contextmanager
def _stopped_by_signals() -> Iterator[Stop]:
    """SIGTERM and SIGINT stop after the event that is being answered."""
    stop = Stop()

    def ask(number: int, frame: Any) -> None:
        del number, frame
        stop.ask()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
