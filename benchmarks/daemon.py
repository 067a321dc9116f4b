"""What does one event of a daemon cost? Beside a trivial dispatch, beside River, and by a pipe.

`Daemon.step`, NumPy in and out: 5 heads, 12 features, trunk 64x64, ObGDBounding, EMANormalizer. A
`LinearLearner` of 20 features with EMANormalizer beside River's scaled linear regression. Events
per second through `alberta daemon`, from the first answer on, so without start and compilation.
How long `alberta daemon` takes to be ready, and to answer its first event then; alone with
`--start-up`. One process for each dispatch mode, since JAX takes the mode when its backend starts.
Run: python benchmarks/daemon.py
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

EVENTS, BLOCK = 5_000, 250
PIPED = 30_000
TARGETS = {"LMS": 10, "Autostep": 15}


def times_us(fns: Mapping[str, Callable]) -> dict[str, tuple[float, float]]:
    """Median and 99th percentile; they take turns, so that a noisy machine hits all alike."""
    times = {name: [] for name in fns}
    for start in range(-BLOCK, EVENTS, BLOCK):
        for name, fn in fns.items():
            for i in range(start, start + BLOCK):
                begin = time.perf_counter()
                fn(i)
                times[name].append(time.perf_counter() - begin)
    warm = {name: values[BLOCK:] for name, values in times.items()}
    return {
        name: (statistics.median(values) * 1e6, statistics.quantiles(values, n=100)[98] * 1e6)
        for name, values in warm.items()
    }


def measured() -> dict:
    import jax
    import numpy as np

    import alberta_framework as af
    from alberta_framework.daemon import Daemon

    rng = np.random.default_rng(0)
    xs = rng.normal(size=(EVENTS, 12)).astype(np.float32)
    targets = rng.normal(size=(EVENTS, 5)).astype(np.float32)
    trivial = jax.jit(lambda x: x + 1.0)
    fns: dict[str, Callable] = {"trivial": lambda i: np.asarray(trivial(xs[i]))}
    for name, optimizer in (("LMS", af.LMS(1.0)), ("Autostep", af.Autostep())):
        learner = af.MultiHeadMLPLearner(
            5, (64, 64), optimizer, bounder=af.ObGDBounding(), normalizer=af.EMANormalizer()
        )
        daemon = Daemon(learner, 12)
        fns[name] = lambda i, daemon=daemon: daemon.step(xs[i], targets[i])
    wide = rng.normal(size=(EVENTS, 20)).astype(np.float32)
    sums = wide[:, :1] - wide[:, 1:2]
    linear = Daemon(af.LinearLearner(af.LMS(0.01), normalizer=af.EMANormalizer()), 20)
    fns["linear"] = lambda i: linear.step(wide[i], sums[i])
    river = river_event(wide, sums)
    return times_us(fns | ({} if river is None else {"River": river}))


def river_event(observations, targets) -> Callable | None:
    """Predict and learn with River; None where it is not installed."""
    try:
        from river import linear_model, preprocessing
    except ImportError:
        return None
    rows = [dict(enumerate(row)) for row in observations.tolist()]
    sums = targets[:, 0].tolist()
    model = preprocessing.StandardScaler() | linear_model.LinearRegression()

    def event(i):
        model.predict_one(rows[i])
        model.learn_one(rows[i], sums[i])

    return event


def events_per_second(learner: dict, features: int, heads: int) -> float:
    """Through the command, by real pipes; one thread writes, one reads."""
    import numpy as np

    rng = np.random.default_rng(0)
    lines = [
        json.dumps({"id": i, "observation": x.tolist(), "targets": y.tolist()}).encode() + b"\n"
        for i, (x, y) in enumerate(
            zip(rng.normal(size=(PIPED, features)), rng.normal(size=(PIPED, heads)), strict=True)
        )
    ]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "learner.json"
        config.write_text(json.dumps({"learner": learner, "feature_dim": features}))
        command = [sys.executable, "-m", "alberta_framework.command_line", "daemon", "--config"]
        process = subprocess.Popen(
            [*command, str(config), "--checkpoint", str(Path(folder) / "agent.ckpt")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(lines[0])
        process.stdin.flush()
        process.stdout.readline()
        start = time.perf_counter()

        def write():
            process.stdin.writelines(lines[1:])
            process.stdin.close()

        writer = threading.Thread(target=write)
        writer.start()
        answers = sum(1 for _ in range(len(lines) - 1) if process.stdout.readline())
        seconds = time.perf_counter() - start
        writer.join()
        process.stdout.close()
        process.wait()
    return answers / seconds


class Start(NamedTuple):
    """Seconds from the start of the process until it is ready, the processor's until it has ended
    after one event, and the seconds that the event took."""

    ready: float
    processor: float
    event: float


def start_of(learner: dict, features: int, folder: Path, *options: str) -> Start:
    """Of `alberta daemon` on what `folder` holds."""
    config = folder / "learner.json"
    config.write_text(json.dumps({"learner": learner, "feature_dim": features}))
    command = [sys.executable, "-m", "alberta_framework.command_line", "daemon", "--config"]
    read, write = os.pipe()
    told = ("--ready-fd", str(write))
    before, begun = os.times(), time.perf_counter()
    process = subprocess.Popen(
        [*command, str(config), "--checkpoint", str(folder / "agent.ckpt"), *told, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(write,),
        env=os.environ | {"JAX_COMPILATION_CACHE_DIR": ""},
    )
    assert process.stdin is not None and process.stdout is not None
    os.close(write)
    assert os.read(read, 100) == b"ready\n"
    ready = time.perf_counter()
    os.close(read)
    process.stdin.write(json.dumps({"observation": [0.5] * features}).encode() + b"\n")
    process.stdin.flush()
    assert process.stdout.readline()
    answered = time.perf_counter()
    process.stdin.close()
    process.stdout.close()
    process.wait()
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    return Start(ready - begun, spent, answered - ready)


def starts(learner: dict, features: int) -> dict[str, Start]:
    """Of a new state and resumed, without compiled programs and with them; the median of three."""
    found = {"without a cache": [], "cold": [], "warm": [], "warm, resumed": []}
    for _ in range(3):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            found["without a cache"].append(start_of(learner, features, folder, "--no-cache"))
            (folder / "agent.ckpt").unlink()
            found["cold"].append(start_of(learner, features, folder))
            found["warm, resumed"].append(start_of(learner, features, folder))
            (folder / "agent.ckpt").unlink()
            found["warm"].append(start_of(learner, features, folder))
    return {name: sorted(times)[1] for name, times in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", choices=["default", "synchronous"])
    parser.add_argument("--start-up", action="store_true")
    arguments = parser.parse_args()
    child = arguments.child
    if arguments.start_up:
        print_starts()
        return
    if child is not None:
        import jax

        jax.config.update("jax_cpu_enable_async_dispatch", child == "default")
        print(json.dumps(measured()))
        return

    def run(mode):
        output = subprocess.run(
            [sys.executable, __file__, "--child", mode],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ,
        ).stdout
        return json.loads(output.splitlines()[-1])

    from measure import machine, table

    import alberta_framework as af

    figures = {mode: run(mode) for mode in ("synchronous", "default")}
    print(f"Daemon.step, {EVENTS:,} events; {machine()}\n")
    rows = []
    for mode, found in figures.items():
        base = found["trivial"][0]
        for name in ("trivial", *TARGETS, "linear"):
            median, p99 = found[name]
            target = TARGETS.get(name, "") if mode == "synchronous" else ""
            row = (mode, name, f"{median:.1f}", f"{p99:.1f}", f"{median / base:.1f}", target)
            rows.append(row)
    table(("dispatch", "learner", "median us", "p99 us", "times trivial", "target"), rows)
    river = figures["synchronous"].get("River")
    print("\n20 features, scaled linear regression: predict, then learn; target: no slower\n")
    rows = [("alberta_framework", *(f"{us:.1f}" for us in figures["synchronous"]["linear"]))]
    rows.append(
        ("River", *(f"{us:.1f}" for us in river)) if river else ("River", "not installed", "")
    )
    table(("library", "median us", "p99 us"), rows)
    print(f"\nalberta daemon, {PIPED:,} lines by a pipe; target: 5,000 events per second\n")
    normalizer = af.EMANormalizer()
    learners = {
        "5 heads, 64x64, LMS": (
            af.MultiHeadMLPLearner(
                5, (64, 64), af.LMS(1.0), bounder=af.ObGDBounding(), normalizer=normalizer
            ),
            12,
            5,
        ),
        "linear": (af.LinearLearner(af.LMS(0.01), normalizer=normalizer), 20, 1),
    }
    rows = [
        (name, f"{events_per_second(learner.to_config(), features, heads):,.0f}")
        for name, (learner, features, heads) in learners.items()
    ]
    table(("learner", "events per second"), rows)
    print_starts()


def print_starts() -> None:
    from measure import machine, table

    import alberta_framework as af

    learner = af.MultiHeadMLPLearner(
        5, (64, 64), af.LMS(1.0), bounder=af.ObGDBounding(), normalizer=af.EMANormalizer()
    )
    print(f"\nalberta daemon, 5 heads, 64x64; target: ready in 3 s if warm; {machine()}\n")
    rows = [
        (name, f"{s.ready:.2f}", f"{s.processor:.2f}", f"{s.event * 1e3:.1f}")
        for name, s in starts(learner.to_config(), 12).items()
    ]
    table(("start", "ready s", "processor s", "first event ms"), rows)


if __name__ == "__main__":
    main()
