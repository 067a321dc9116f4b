"""The numbers of a report as a file in the text format of Prometheus."""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .failed_writes import FailedWrites

_log = logging.getLogger(__name__)
_EVERY_S = 10.0
_BEGINS = b"# HELP alberta_"
_MICROSECONDS = 1e6
_QUANTILES = {"median_us": "0.5", "p90_us": "0.9", "p99_us": "0.99"}


class _Sample(NamedTuple):
    name: str
    kind: str
    help: str
    value: Any
    labels: Mapping[str, str]


def prometheus_text(report: Mapping[str, Any]) -> str:
    """A report as Prometheus reads it; what is None is left out.

    Names begin with `alberta_`, times are in seconds, counters end in `_total`.
    """
    lines, families = [], {}
    for sample in _samples(report):
        if sample.value is not None:
            families.setdefault(sample.name, []).append(sample)
    for name, samples in families.items():
        lines += [f"# HELP {name} {samples[0].help}", f"# TYPE {name} {samples[0].kind}"]
        lines += [f"{name}{_labels(sample.labels)} {float(sample.value)!r}" for sample in samples]
    return "\n".join(lines) + "\n"


def _samples(report: Mapping[str, Any]) -> Iterator[_Sample]:
    def counter(name, text, value, **labels):
        return _Sample(f"alberta_{name}_total", "counter", text, value, labels)

    def gauge(name, text, value, **labels):
        return _Sample(f"alberta_{name}", "gauge", text, value, labels)

    yield gauge("info", "What learns.", 1, learner=report["learner"])
    yield counter("events", "Events learned from or rejected.", report["steps"])
    yield counter("rejected_events", "Events that were rejected.", report["rejected_events"])
    yield gauge("share_rejected", "Rejected events of all.", report["share_rejected"])
    text = "Events without a label, since the start."
    yield counter("events_without_label", text, report["events_without_label"])
    for kind, count in report["error_lines"].items():
        yield counter("error_lines", "Lines that were wrong, since the start.", count, kind=kind)
    for event, name in (("learned", "latency"), ("predicted", "predict_latency")):
        found = report[name]
        for key, quantile in _QUANTILES.items():
            text = "How long the latest events took."
            value = _seconds(found[key])
            yield gauge("latency_seconds", text, value, event=event, quantile=quantile)
        text = "How long the slowest event took."
        yield gauge("latency_max_seconds", text, _seconds(found["max_us"]), event=event)
    for whose, told in (("", report), ("shadow_", report["shadow"] or {})):
        losses = told.get("losses")
        if losses is None:
            continue
        for head, spans in losses["heads"].items():
            for over, found in spans.items():
                labels = {"head": head, "over": over}
                text = f"Mean {losses['kind']}."
                yield gauge(f"{whose}loss", text, found["loss"], **labels)
                text = "The same of predictions by the mean so far."
                yield gauge(f"{whose}loss_of_mean", text, found["loss_of_mean"], **labels)
                yield gauge(f"{whose}skill", "1 - loss / loss of mean.", found["skill"], **labels)
                yield gauge(f"{whose}labels", "Events with a label.", found["events"], **labels)
    divergence = report["divergence"]
    for done in ("diverged", "restored", "reset"):
        yield counter("divergences", "Times that it diverged.", divergence[done], done=done)
    text = "Rejected events since the last that was learned, whose numbers are sound."
    yield gauge("rejected_in_a_row", text, divergence["rejected_in_a_row"])
    checkpoint = report["checkpoint"]
    yield counter("failed_saves", "Saves that failed, since the start.", checkpoint["failed_saves"])
    text = "Events that were not recorded, since the start."
    yield counter("failed_records", text, report["failed_records"])
    yield gauge("events_since_save", "Events since the last save.", checkpoint["steps_since"])
    yield gauge("age_seconds", "Seconds since the birth of the state.", report["age_s"])
    yield gauge("uptime_seconds", "Seconds of running, earlier ones too.", report["uptime_s"])
    episodes = report.get("episodes") or {}
    yield counter("episodes", "Episodes that ended.", episodes.get("ended"))
    yield gauge("mean_return", "Of the latest episodes.", episodes.get("mean_return"))
    yield gauge("reward_rate", "The running mean of rewards.", report.get("reward_rate"))


def _seconds(microseconds: float | None) -> float | None:
    return None if microseconds is None else microseconds / _MICROSECONDS


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _require_ours(path: Path) -> None:
    if not path.is_file():
        return
    with path.open("rb") as file:
        begins = file.read(len(_BEGINS))
    if begins and begins != _BEGINS:
        raise ValueError(f"{path} is there, and holds no metrics of a daemon")


class MetricsFile:
    """Keeps a file of metrics up to date, from a thread of its own, so that no event waits for it.

    Each version takes the place of the last one at once: whoever reads finds one of the two. One
    that cannot be written is told.

    **Arguments:** `path`; `report`: gives the numbers; `every_s`: seconds between two versions.

    **Raises:** `ValueError` for a file that holds something else; `OSError` if the first version
    cannot be written.
    """

    def __init__(self, path: Path, report: Callable[[], Mapping[str, Any]], every_s=_EVERY_S):
        self.path, self._report, self._every_s = path, report, every_s
        self._failed = FailedWrites(_log, "written")
        _require_ours(path)
        self._write()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alberta-metrics", daemon=True)
        self._thread.start()

    def close(self, patience_s: float = 0.5) -> None:
        """Write the last version; waits for no disk longer than that."""
        self._over.set()
        self._thread.join(patience_s)

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._over.wait(self._every_s)
            try:
                self._write()
            except OSError as error:
                self._failed.note(self.path, error)
            else:
                self._failed.end(self.path)

    def _write(self) -> None:
        temporary = self.path.with_name(f".{self.path.name}.tmp-{os.getpid()}")
        try:
            temporary.write_text(prometheus_text(self._report()), encoding="utf-8")
            os.replace(temporary, self.path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
