"""`alberta daemon`: a learner or an agent between lines of JSON."""

import contextlib
import json
import logging
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax

from ..checkpoints import CheckpointError
from ..compilation.kept_programs import keep_programs, keeps_programs
from ..components.component import component_from_config, from_config
from ..daemon import Daemon, EventProcessor, shadow_of
from ..daemon.metrics_file import MetricsFile
from ..daemon.serving import Answer, Stop, left_in_time, serve_socket, serve_stream, write_all
from ..event_features import EventFeatures
from .catalogue import parsed
from .own_modules import KEY, with_own_modules
from .problems import Problem, UsageProblem, reason
from .service_manager import notify, require_descriptor, tell_ready

_KEYS = {
    "learner": dict,
    "feature_dim": int,
    "feature_names": list,
    "features": dict,
    "head_names": list,
    "gamma": (int, float),
    "seed": int,
    "keep": int,
    "keep_hourly": int,
    "keep_daily": int,
    "checkpoint_every": int,
    "checkpoint_every_s": (int, float),
    "label_window": int,
    "label_window_bytes": int,
    "on_divergence": str,
    "divergence_after": int,
}
_RANGES = {
    "label_window": (0, 2**31),
    "label_window_bytes": (0, 2**63),
    "seed": (0, 2**63),
    "checkpoint_every": (1, 2**63),
    "checkpoint_every_s": (1e-3, float("inf")),
}
_OF_THE_DAEMON = (
    "head_names",
    "feature_names",
    "gamma",
    "keep",
    "keep_hourly",
    "keep_daily",
    "checkpoint_every",
    "on_divergence",
    "divergence_after",
)
_OF_EVENTS = ("label_window", "label_window_bytes")
# As whom those by standard input are known, whose events wait for labels through restarts.
_STANDARD_INPUT = "-"
_EVERY_S = 60.0
_CACHE = ".jax-cache"
_OF_THE_CACHE = re.compile("Error (reading|writing) persistent compilation cache entry")
# After a stop, before another thread saves and leaves: of two seconds the save takes the rest.
_PATIENCE_S = 1.0


def daemon(
    config: Path,
    checkpoint: Path | None,
    socket: Path | None,
    report_every: int | None,
    imports: Sequence[str] = (),
    metrics_file: Path | None = None,
    frozen: bool = False,
    record: Path | None = None,
    shadow: Path | None = None,
    cache: Path | None = None,
    no_cache: bool = False,
    ready_fd: int | None = None,
) -> int:
    """Serve events until the input ends, SIGTERM, SIGINT or SIGHUP; then save.

    **Returns:** the exit code: 0, or 1 if the state could not be saved at the end.

    **Raises:** `Problem` for what a user can mend.
    """
    _require_apart(config, checkpoint, socket, record, metrics_file)
    # Handing each small program to another thread costs more than the program; only before the
    # first computation can it be turned off.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    with _stopped_by_signals() as stop, _saying(stop) as say:
        with left_in_time(stop, lambda: os._exit(0), _PATIENCE_S):
            if ready_fd is not None:
                require_descriptor("--ready-fd", ready_fd)

            def before_compiling() -> None:
                _keep_programs(cache, no_cache, checkpoint, say)

            learner_daemon, windows = _made(
                config, checkpoint, imports, frozen, record, before_compiling
            )
            if shadow is not None:
                _shadow(learner_daemon, shadow)
            if report_every:
                learner_daemon.warm_up()

        def counted() -> int:
            # A frozen daemon learns from none, and reports by those that it answered.
            return learner_daemon.tally.predicting.count if frozen else learner_daemon.steps

        def connected() -> Answer:
            client = _STANDARD_INPUT if socket is None else None
            processor = EventProcessor(learner_daemon, client=client, **windows)

            def answer(line: bytes, number: int) -> bytes:
                before = counted()
                found = processor.answer(line, number)
                after = counted()
                if report_every and after > before and after % report_every == 0:
                    say(json.dumps({"report": learner_daemon.report()}))
                return found

            return answer

        def leave() -> None:
            code, saved = _saved(learner_daemon)
            say(f"alberta: {learner_daemon.steps:,} events, left in the middle of one; {saved}")
            os._exit(code)

        def ready() -> None:
            notify("READY=1")
            if ready_fd is not None:
                tell_ready(ready_fd)

        where = "standard input" if socket is None else str(socket)
        kind = type(learner_daemon.learner).__name__
        say(f"alberta: {kind}, {_origin(learner_daemon)}; {where}")
        metrics = None if metrics_file is None else _metrics(metrics_file, learner_daemon)
        try:
            with left_in_time(stop, leave, _PATIENCE_S):
                if socket is None:
                    ready()
                    serve_stream(sys.stdin.fileno(), sys.stdout.fileno(), connected(), stop)
                else:
                    serve_socket(socket, connected, stop, ready)
        except OSError as error:
            raise Problem(f"cannot serve {where}: {error}.") from error
        finally:
            notify("STOPPING=1")
            code, saved = _saved(learner_daemon)
            if metrics is not None:
                metrics.close()
        say(f"alberta: {learner_daemon.steps:,} events; {saved}")
        if stop.asked:
            # Nothing is left to do but to take Python and JAX apart, which takes a second.
            os._exit(code)
    return code


def _require_apart(
    config: Path,
    checkpoint: Path | None,
    socket: Path | None,
    record: Path | None,
    metrics_file: Path | None,
) -> None:
    """Of the files of a daemon none may take the place of another."""
    found: dict[str, str] = {}
    for name, path in {
        "--config": config,
        "--checkpoint": checkpoint,
        "the lock of --checkpoint": None if checkpoint is None else f"{checkpoint}.lock",
        "--socket": socket,
        "--record": record,
        "--metrics-file": metrics_file,
    }.items():
        if path is None:
            continue
        before = found.setdefault(os.path.realpath(path), name)
        if before != name:
            raise UsageProblem(f"{before} and {name} must be different files, got {path} for both.")


def _keep_programs(
    cache: Path | None, no_cache: bool, checkpoint: Path | None, say: Callable[[str], None]
) -> None:
    """In the folder that was named, or else beside the checkpoint; where the user has told JAX
    itself a folder, there. Without one a start takes longer, and no more."""
    if no_cache and cache is not None:
        raise UsageProblem("--cache and --no-cache exclude each other.")
    if cache is None and not no_cache and checkpoint is not None and not keeps_programs():
        cache = checkpoint.parent / _CACHE
    if cache is None:
        return
    try:
        keep_programs(cache)
    except OSError as error:
        say(f"alberta: compiled programs are not kept in {cache}: {reason(error)}; going on")


def _shadow(learner_daemon: Daemon, path: Path) -> None:
    try:
        learner_daemon.be_shadowed(shadow_of(learner_daemon, path))
    except FileNotFoundError as error:
        raise UsageProblem(f"no checkpoint was found at {path.absolute()} for a shadow.") from error
    except OSError as error:
        raise Problem(f"cannot read the shadow {path}: {reason(error)}.") from error
    except (CheckpointError, KeyError, TypeError, ValueError) as error:
        raise UsageProblem(f"cannot use the shadow {path}: {error}") from error


def _metrics(path: Path, learner_daemon: Daemon) -> MetricsFile:
    try:
        return MetricsFile(path, lambda: learner_daemon.report(brief=True))
    except ValueError as error:
        raise UsageProblem(f"cannot write metrics: {error}.") from error
    except OSError as error:
        raise Problem(f"cannot write metrics to {path}: {reason(error)}.") from error


def _origin(learner_daemon: Daemon) -> str:
    path = learner_daemon.checkpoint
    if learner_daemon.resumed:
        return f"resumed at {learner_daemon.steps:,} events"
    return "a new state" + (
        "" if path is None else f", no checkpoint was found at {path.absolute()}"
    )


def _saved(learner_daemon: Daemon) -> tuple[int, str]:
    """The exit code, and what became of the state."""
    if learner_daemon.checkpoint is None:
        return 0, "nothing is saved without --checkpoint"
    if learner_daemon.frozen:
        return 0, "nothing is saved of one that is frozen"
    try:
        learner_daemon.close()
    except Exception as error:  # whatever it is, it is told, and the code says so
        return 1, f"NOT saved: {error}"
    return 0, f"saved to {learner_daemon.checkpoint}"


def _made(
    config: Path,
    checkpoint: Path | None,
    imports: Sequence[str],
    frozen: bool,
    record: Path | None,
    before_compiling: Callable[[], None],
) -> tuple[Daemon, dict[str, int]]:
    found = with_own_modules(parsed(config), str(config), config.parent, imports)
    for key, value in found.items():
        if key not in _KEYS:
            known = ", ".join((*_KEYS, KEY))
            raise UsageProblem(f"{config}: unknown key {key!r}; known: {known}.")
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            raise UsageProblem(f"{config}: {key}: has the wrong kind of value: {value!r:.80}.")
    if "learner" not in found:
        raise UsageProblem(f"{config}: missing key 'learner'.")
    names = found.get("feature_names")
    counted = None if names is None or "features" in found else len(names)
    feature_dim = found.get("feature_dim", counted)
    if feature_dim is None and "features" not in found:
        raise UsageProblem(f"{config}: needs 'feature_names', 'feature_dim' or 'features'.")
    for key, (low, high) in _RANGES.items():
        if key in found and not low <= found[key] < high:
            raise UsageProblem(f"{config}: {key}: must be >= {low}, got {found[key]}.")
    windows = {key: found[key] for key in _OF_EVENTS if key in found}
    options: dict[str, Any] = {key: found[key] for key in _OF_THE_DAEMON if key in found}
    options.setdefault("on_divergence", "restore")
    if frozen and checkpoint is None:
        raise UsageProblem("--frozen needs a --checkpoint, of which it predicts.")
    if checkpoint is None or frozen:
        options.pop("checkpoint_every", None)
    else:
        every_s = None if "checkpoint_every" in found else _EVERY_S
        options["checkpoint_every_s"] = found.get("checkpoint_every_s", every_s)
    try:
        learner = from_config(found["learner"])
        if "features" in found:
            options["features"] = component_from_config(
                found["features"], (EventFeatures,), path="features"
            )
        before_compiling()
        made = Daemon(
            learner,
            feature_dim,
            key=jax.random.key(found.get("seed", 0)),
            checkpoint=checkpoint,
            frozen=frozen,
            record=record,
            **options,
        )
    except CheckpointError as error:
        # Of another structure, damaged, or of another process: to start again does not help.
        raise UsageProblem(f"cannot resume: {error}") from error
    except (TypeError, ValueError) as error:
        raise UsageProblem(f"{config}: {error}") from error
    except OSError as error:
        where = checkpoint if record is None else f"{checkpoint}, or record to {record}"
        raise Problem(f"cannot use the checkpoint {where}: {reason(error)}.") from error
    return made, windows


@contextmanager
def _stopped_by_signals() -> Iterator[Stop]:
    """SIGTERM, SIGINT and SIGHUP stop after the event that is being answered.

    A hangup that whoever started us ignores, as `nohup` does, stays ignored.
    """
    stop = Stop()

    def ask(number: int, frame: Any) -> None:
        del number, frame
        stop.ask()

    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in numbers}
    woken = signal.set_wakeup_fd(stop.descriptor, warn_on_full_buffer=False)
    try:
        yield stop
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _saying(stop: Stop) -> Iterator[Callable[[str], None]]:
    """What says a line on standard error, where the library's warnings go too.

    A reader that takes nothing is waited for, but not once a stop was asked for.
    """

    def say(text: str) -> None:
        if sys.stderr is None:
            return
        with contextlib.suppress(OSError):
            write_all(sys.stderr.fileno(), text.encode(errors="replace") + b"\n", stop)

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say(f"alberta: {self.format(record)}")

    told = set()

    def show(message: Warning | str, *where: Any, **more: Any) -> None:
        del where, more
        text = str(message)
        # On a full disk there is one for each program.
        of_the_cache = _OF_THE_CACHE.match(text)
        kind = text if of_the_cache is None else of_the_cache.group()
        if kind not in told:
            told.add(kind)
            say(f"alberta: {text}")

    handler, log = Handler(logging.WARNING), logging.getLogger("alberta_framework")
    log.addHandler(handler)
    shown, warnings.showwarning = warnings.showwarning, show
    try:
        yield say
    finally:
        warnings.showwarning = shown
        log.removeHandler(handler)
