"""A daemon's learner on the events of an SSH server: five predictions about what comes next.

Reads an sshd log (any `auth.log`, or standard input), turns each line into features, and predicts
before it learns:

    next_failed_login   1 if the next event is a failed login
    next_disconnect     1 if the next event ends a connection
    next_same_source    1 if the next event comes from the same source as this one
    next_log_wait       log(1 + seconds until the next event)
    break_in_within_20  1 if one of the next 20 events is a break-in attempt by this source

The label of the last head is known 20 events late; until then it is null and its head waits. The
error is prequential: every prediction is made before its label is seen. The baseline predicts the
mean of the labels seen so far.

Run: python examples/ssh_events.py /var/log/auth.log [--checkpoint ssh.ckpt] [--picture ssh.png]
"""

import argparse
import contextlib
import dataclasses
import datetime
import math
import re
import sys
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import jax
import numpy as np

import alberta_framework as af

HEADS = (
    "next_failed_login",
    "next_disconnect",
    "next_same_source",
    "next_log_wait",
    "break_in_within_20",
)
HORIZON = 20
LINE = re.compile(r"(\w{3} +\d+ \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ sshd\S*\[(\d+)\]: (.*)")
CLASSES = {
    "break_in": re.compile(r"POSSIBLE BREAK-IN ATTEMPT"),
    "failed_password": re.compile(r"Failed (password|none|publickey)|message repeated .*Failed"),
    "authentication_failure": re.compile(r"authentication failure"),
    "unknown_user": re.compile(r"check pass; user unknown"),
    "invalid_user": re.compile(r"[Ii]nvalid user|input_userauth_request"),
    "disconnect": re.compile(r"disconnect|Connection closed|Disconnecting|session closed"),
    "accepted": re.compile(r"Accepted |session opened"),
    "other": re.compile(r""),
}
SOURCE = re.compile(r"(?:rhost=|from |by |\[)(\d+\.\d+\.\d+\.\d+)")
FAILURES = ("failed_password", "authentication_failure")
FEATURES = (
    *CLASSES,
    "as_root",
    "same_source",
    "log_wait",
    "log_wait_of_source",
    "log_events_of_source",
    "recent_failures",
    "recent_failures_of_source",
    "recent_break_ins",
    "break_ins_of_source",
    "hour_sin",
    "hour_cos",
)


@dataclasses.dataclass
class Event:
    kind: str
    source: str
    seconds: float
    as_root: bool


def events(lines: Iterable[str]) -> Iterator[Event]:
    """The events of a log; a line without an address belongs to its connection's."""
    source_of: dict[str, str] = {}
    for line in lines:
        found = LINE.match(line)
        if found is None:
            continue
        stamp, process, text = found.groups()
        address = SOURCE.search(text)
        if address is not None:
            source_of[process] = address[1]
        kind = next(name for name, form in CLASSES.items() if form.search(text))
        yield Event(
            kind, source_of.get(process, ""), seconds(stamp), bool(re.search(r"\broot\b", text))
        )


def seconds(stamp: str) -> float:
    """Seconds since some fixed moment; classic stamps have no year, any leap year serves."""
    if stamp[0].isdigit():
        return datetime.datetime.fromisoformat(stamp).timestamp()
    moment = datetime.datetime.strptime(f"2000 {stamp}", "%Y %b %d %H:%M:%S")
    return moment.replace(tzinfo=datetime.UTC).timestamp()


class Features:
    """What is known at an event, as numbers."""

    def __init__(self):
        self.before: Event | None = None
        self.recent: deque[Event] = deque(maxlen=HORIZON)
        self.last_seen: dict[str, float] = {}
        self.count: defaultdict[str, int] = defaultdict(int)
        self.break_ins: defaultdict[str, int] = defaultdict(int)

    def of(self, event: Event) -> np.ndarray:
        before = event if self.before is None else self.before
        since = max(0.0, event.seconds - before.seconds)
        of_source = max(0.0, event.seconds - self.last_seen.get(event.source, event.seconds))
        self.recent.append(event)
        self.count[event.source] += 1
        self.break_ins[event.source] += event.kind == "break_in"
        same = [e for e in self.recent if e.source == event.source]
        hour = event.seconds % 86_400 / 86_400 * 2.0 * math.pi
        row = [float(event.kind == kind) for kind in CLASSES]
        row += [
            float(event.as_root),
            float(event.source == before.source),
            math.log1p(since),
            math.log1p(of_source),
            math.log1p(self.count[event.source]),
            sum(e.kind in FAILURES for e in self.recent) / HORIZON,
            sum(e.kind in FAILURES for e in same) / HORIZON,
            sum(e.kind == "break_in" for e in self.recent) / HORIZON,
            math.log1p(self.break_ins[event.source]),
            math.sin(hour),
            math.cos(hour),
        ]
        self.before, self.last_seen[event.source] = event, event.seconds
        return np.array(row, np.float32)


@dataclasses.dataclass
class Waiting:
    """An event whose labels are not all known yet."""

    event: Event
    observation: np.ndarray
    predictions: np.ndarray
    baseline: np.ndarray


class Run:
    """Events through a daemon, and the errors of its predictions and of the baseline's."""

    def __init__(self, daemon: af.Daemon):
        self.daemon, self.features = daemon, Features()
        self.waiting: deque[Waiting] = deque()
        self.label_sums, self.label_counts = np.zeros(len(HEADS)), np.zeros(len(HEADS))
        self.errors: list[list[tuple[float, float]]] = [[] for _ in HEADS]

    def see(self, event: Event) -> None:
        if self.waiting:
            last = self.waiting[-1]
            labels = np.full(len(HEADS), np.nan, np.float32)
            labels[:4] = (
                event.kind in FAILURES,
                event.kind == "disconnect",
                event.source == last.event.source,
                math.log1p(max(0.0, event.seconds - last.event.seconds)),
            )
            self.learn(last, labels)
        if len(self.waiting) == HORIZON:
            first, *later = self.waiting
            later = [w.event for w in later] + [event]
            labels = np.full(len(HEADS), np.nan, np.float32)
            labels[4] = any(e.kind == "break_in" and e.source == first.event.source for e in later)
            self.learn(first, labels)
            self.waiting.popleft()
        observation = self.features.of(event)
        baseline = self.label_sums / np.maximum(self.label_counts, 1.0)
        predictions = self.daemon.predict(observation)
        self.waiting.append(Waiting(event, observation, predictions, baseline))

    def learn(self, seen: Waiting, labels: np.ndarray) -> None:
        self.daemon.update(seen.observation, labels)
        for head in np.flatnonzero(~np.isnan(labels)):
            label = float(labels[head])
            ours, mean = seen.predictions[head] - label, seen.baseline[head] - label
            self.errors[head].append((float(ours**2), float(mean**2)))
            self.label_sums[head] += label
            self.label_counts[head] += 1.0

    def table(self) -> str:
        rows = [f"{'head':<20}{'events':>8}{'baseline':>10}{'learner':>10}{'less error':>12}"]
        for name, errors in zip(HEADS, self.errors, strict=True):
            if errors:
                ours, mean = np.mean(errors, axis=0)
                less = f"{1.0 - ours / mean:12.0%}" if mean else f"{'-':>12}"
                rows.append(f"{name:<20}{len(errors):>8,}{mean:>10.4f}{ours:>10.4f}{less}")
        return "\n".join(rows)

    def most_relevant(self, count: int = 5) -> str:
        heads = self.daemon.report()["relevance"]["per_head"]
        rows = []
        for head, entry in heads.items():
            weights = entry["normalized_weight_relevance"]
            best = sorted(weights, key=lambda name: -weights[name])[:count]
            rows.append(f"{head:<20}{', '.join(best)}")
        return "\n".join(rows)


def opened(log: str) -> contextlib.AbstractContextManager[Iterable[str]]:
    return contextlib.nullcontext(sys.stdin) if log == "-" else open(log, errors="replace")


def learner() -> af.MultiHeadMLPLearner:
    return af.MultiHeadMLPLearner(
        n_heads=len(HEADS),
        hidden_sizes=(64, 64),
        optimizer=af.LMS(1.0),
        bounder=af.ObGDBounding(),
        normalizer=af.EMANormalizer(decay=0.999),
    )


def picture(run: Run, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(HEADS), figsize=(3.2 * len(HEADS), 2.8))
    for axes, name, errors in zip(panels, HEADS, run.errors, strict=True):
        ours, mean = np.asarray(errors).T
        window = max(1, min(200, len(ours) // 4))
        axes.plot(af.compute_running_mean(mean, window), label="running mean", color="0.6")
        axes.plot(af.compute_running_mean(ours, window), label="learner", color="C0")
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("event")
        axes.set_ylim(bottom=0.0)
    panels[0].set_ylabel("squared error")
    panels[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", nargs="?", default="-", help="an sshd log; - for standard input")
    parser.add_argument("--checkpoint", type=Path, help="save the learner here, and resume")
    parser.add_argument("--picture", type=Path, help="where to draw the errors")
    arguments = parser.parse_args()
    jax.config.update("jax_cpu_enable_async_dispatch", False)  # single events: see af.Daemon
    with (
        opened(arguments.log) as lines,
        af.Daemon(
            learner(),
            len(FEATURES),
            checkpoint=arguments.checkpoint,
            feature_names=FEATURES,
            head_names=HEADS,
        ) as daemon,
    ):
        run = Run(daemon)
        for event in events(lines):
            run.see(event)
        if not any(run.errors):
            raise SystemExit(f"no two events of sshd in {arguments.log}")
        print(run.table())
        print("\nmost relevant features\n" + run.most_relevant())
        latency = daemon.report()["latency"]
        median, p99 = latency["median_us"], latency["p99_us"]
        print(f"\nlearning from one event: median {median:.0f} us, p99 {p99:.0f} us")
    if arguments.picture:
        picture(run, arguments.picture)


if __name__ == "__main__":
    main()
