"""A daemon under load: a million events as fast as it takes them, and ten minutes at 500 a second.

`alberta daemon` by pipes, as a service runs it: 5 heads, 12 features, trunk 64x64, ObGDBounding,
EMANormalizer; ids, so that labels could follow; a checkpoint every 10,000 events, a report every
1,000, a metrics file. Every answer is looked at: each id once, in order, none rejected. Memory is
what the process holds (Linux). Latency is that of the client, from before an event is written to
when its answer is read, the client's own time included.
Run: python benchmarks/service.py [--events N] [--seconds S]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from measure import machine, table

import alberta_framework as af

FEATURES, HEADS, RATE = 12, 5, 500
DIFFERENT = 2_000
SAMPLES = 10
FASTEST = 8_000


class Service:
    """The process, with its files in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        learner = af.MultiHeadMLPLearner(
            HEADS, (64, 64), bounder=af.ObGDBounding(), normalizer=af.EMANormalizer(clip=10.0)
        )
        config = folder / "learner.json"
        settings = {"learner": learner.to_config(), "feature_dim": FEATURES}
        config.write_text(json.dumps(settings | {"checkpoint_every": 10_000, "keep": 3}))
        self.errors = (folder / "stderr.txt").open("wb")
        command = [sys.executable, "-m", "alberta_framework.command_line", "daemon"]
        options = {
            "--config": config,
            "--checkpoint": folder / "agent.ckpt",
            "--report-every": 1_000,
            "--metrics-file": folder / "alberta.prom",
        }
        self.process = subprocess.Popen(
            [*command, *(str(part) for pair in options.items() for part in pair)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    def ask(self, line: bytes) -> bytes:
        self.stdin.write(line)
        self.stdin.flush()
        return self.stdout.readline()

    def memory_mb(self) -> float:
        """What the process holds; NaN where there is no /proc."""
        try:
            text = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return float("nan")
        (line,) = (line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def end(self) -> int:
        self.stdin.close()
        code = self.process.wait(60)
        self.errors.close()
        return code


def bodies() -> list[bytes]:
    """What events hold besides their id."""
    rng = np.random.default_rng(0)
    pairs = zip(
        rng.normal(size=(DIFFERENT, FEATURES)).round(4).tolist(),
        rng.normal(size=(DIFFERENT, HEADS)).round(4).tolist(),
        strict=True,
    )
    return [b', "observation": %s, "targets": %s}\n' % (_json(x), _json(y)) for x, y in pairs]


def _json(values: Any) -> bytes:
    return json.dumps(values).encode()


def looked_at(answer: bytes, number: int) -> None:
    found = json.loads(answer)
    if found.get("id") != number or found.get("step") != number + 1 or found["rejected"]:
        raise SystemExit(f"event {number} was answered with {answer!r}")


def full_speed(events: int, folder: Path) -> None:
    service, parts = Service(folder), bodies()
    looked_at(service.ask(b'{"id": 0' + parts[0]), 0)

    def write() -> None:
        for first in range(1, events, 500):
            numbers = range(first, min(first + 500, events))
            service.stdin.write(b"".join(b'{"id": %d' % i + parts[i % DIFFERENT] for i in numbers))
        service.stdin.flush()

    writer = threading.Thread(target=write)
    start = before = time.perf_counter()
    writer.start()
    rows, every = [], max(1, events // SAMPLES)
    for number in range(1, events):
        looked_at(service.stdout.readline(), number)
        if (number + 1) % every == 0:
            now = time.perf_counter()
            rate, before = every / (now - before), now
            rows.append((f"{number + 1:,}", f"{rate:,.0f}", f"{service.memory_mb():.1f}"))
    seconds = time.perf_counter() - start
    writer.join()
    code = service.end()
    _, state, _ = af.load_agent(folder / "agent.ckpt")
    table(("events", "a second", "MB"), rows)
    print(
        f"{events:,} events, {(events - 1) / seconds:,.0f} a second [at least {FASTEST:,}]; each "
        f"answered once, in order; {state.step_count:,} learned in the checkpoint, exit code {code}"
    )


def steady(seconds: float, folder: Path) -> None:
    service, parts = Service(folder), bodies()
    looked_at(service.ask(b'{"id": 0' + parts[0]), 0)
    begun, count = time.perf_counter(), int(seconds * RATE)
    latencies, memory, late = np.empty(count), [], 0
    for number in range(1, count + 1):
        wait = begun + number / RATE - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        else:
            late += 1
        line = b'{"id": %d' % number + parts[number % DIFFERENT]
        start = time.perf_counter()
        answer = service.ask(line)
        latencies[number - 1] = time.perf_counter() - start
        looked_at(answer, number)
        if number % (RATE * 10) == 0:
            memory.append(service.memory_mb())
    code = service.end()
    told = np.percentile(latencies * 1e6, [50, 90, 99, 99.9, 100])
    names = ("median", "90%", "99%", "99.9%", "longest")
    table(("latency", "us"), [(n, f"{us:,.0f}") for n, us in zip(names, told, strict=True)])
    begin, end = (f"{memory[i]:.1f}" for i in (0, -1)) if memory else ("-", "-")
    print(
        f"{count:,} events at {RATE} a second, {late:,} sent late; {begin} MB after 10 s, {end} "
        f"at the end, exit code {code}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=600.0)
    chosen = parser.parse_args()
    print(machine())
    for part, amount in ((full_speed, chosen.events), (steady, chosen.seconds)):
        if amount:
            with tempfile.TemporaryDirectory() as folder:
                part(amount, Path(folder))


if __name__ == "__main__":
    main()
