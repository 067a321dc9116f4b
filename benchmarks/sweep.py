"""What is a sweep worth? IDBD on SuttonExperiment1Stream, 20 meta step sizes times 30 seeds.

Against the same grid as a Python loop of `run_learning_loop_batched`, on one core and on two; two
CPU devices against one, and against a thread for each device; two processes under
`jax.distributed` against one. Each row is measured in a process of its own that is bound to its
cores; inside it the contestants take turns.
Run: python benchmarks/sweep.py
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
from measure import first_call, interleaved_medians, machine, table

import alberta_framework as af

META = "learner.optimizer.meta_step_size"
WINDOW = 400


class Grid:
    """The grid of the comparison, and both ways to run it."""

    def __init__(self, options: argparse.Namespace):
        self.steps, self.values = options.steps, np.geomspace(1e-4, 1e-2, options.points)
        self.keys = jax.random.split(jax.random.key(0), options.seeds)
        self.stream = af.SuttonExperiment1Stream()

    def learner(self, meta_step_size: float = 0.01) -> af.LinearLearner:
        return af.LinearLearner(af.IDBD(0.05, meta_step_size), use_bias=False)

    def sweep(self, keys=None, devices=None) -> np.ndarray:
        result = af.sweep(
            self.learner(),
            self.stream,
            {META: self.values},
            num_steps=self.steps,
            keys=self.keys if keys is None else keys,
            record=af.WindowMean(WINDOW),
            devices=devices,
        )
        return result.metrics["squared_error"]

    def loop(self) -> np.ndarray:
        """What a user would write without a sweep."""
        found = []
        for value in self.values:
            result = af.run_learning_loop_batched(
                self.learner(float(value)),
                self.stream,
                self.steps,
                self.keys,
                record_window=WINDOW,
            )
            found.append(np.asarray(result.metrics[..., 0]))
        return np.stack(found)


def against_the_loop(options: argparse.Namespace) -> dict:
    grid, compiled = Grid(options), []
    jax.block_until_ready(grid.keys)

    def listen(name, seconds, **_):
        if name.endswith("backend_compile_duration"):
            compiled.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    first = first_call(grid.sweep)
    # A loop takes many times as long to compile as what sets up states and tapes.
    loops = sum(seconds > max(compiled) / 2 for seconds in compiled)
    small = len(compiled) - loops
    medians = interleaved_medians({"sweep": grid.sweep, "loop": grid.loop}, options.repeats)
    difference = np.abs(grid.sweep() - grid.loop()) / (1e-3 + np.abs(grid.loop()))
    return medians | {
        "first": first,
        "programs": loops,
        "small programs": small,
        "difference": float(difference.max()),
    }


def on_devices(options: argparse.Namespace) -> dict:
    grid, devices = Grid(options), jax.local_devices()
    halves = np.array_split(np.arange(options.seeds), len(devices))

    def threads():
        def part(pair):
            device, seeds = pair
            return grid.sweep(grid.keys[seeds], [device])

        with ThreadPoolExecutor(len(devices)) as pool:
            found = list(pool.map(part, zip(devices, halves, strict=True)))
        return np.concatenate(found, axis=1)

    contestants = {
        "one device": lambda: grid.sweep(devices=devices[:1]),
        "two devices": grid.sweep,
        "a thread per device": threads,
    }
    medians = interleaved_medians(contestants, options.repeats)
    one = contestants["one device"]()
    for name in ("two devices", "a thread per device"):
        other = contestants[name]()
        medians[f"{name}, difference"] = float((np.abs(other - one) / (1e-3 + one)).max())
    return medians


def in_process(options: argparse.Namespace) -> dict:
    grid = Grid(options)
    medians = interleaved_medians({"sweep": grid.sweep}, options.repeats)
    np.save(f"{options.out}.{options.process}.npy", grid.sweep())
    return medians


KINDS = {"loop": against_the_loop, "devices": on_devices, "process": in_process}


def started(options: argparse.Namespace, kind: str, cores: list[int], **more) -> subprocess.Popen:
    sizes = ("steps", "points", "seeds", "repeats")
    arguments = [f"--{name}={getattr(options, name)}" for name in sizes]
    arguments += [f"--{name}={value}" for name, value in more.items()]
    command = [sys.executable, __file__, f"--kind={kind}", *arguments]
    return subprocess.Popen(
        [*command, f"--cores={','.join(map(str, cores))}"], stdout=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen) -> dict:
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a measurement failed with exit code {process.returncode}")
    return json.loads(out.splitlines()[-1])


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def child(options: argparse.Namespace) -> None:
    os.sched_setaffinity(0, {int(core) for core in options.cores.split(",")})
    jax.config.update("jax_num_cpu_devices", options.devices)
    if options.port:
        jax.distributed.initialize(f"127.0.0.1:{options.port}", 2, options.process)
    print(json.dumps(KINDS[options.kind](options)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("steps", 20_000), ("points", 20), ("seeds", 30), ("repeats", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    for name, default in (("devices", 1), ("port", 0), ("process", 0)):
        parser.add_argument(f"--{name}", type=int, default=default, help=argparse.SUPPRESS)
    parser.add_argument("--cores", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        return child(options)
    cores = sorted(os.sched_getaffinity(0))[:2]
    members = options.points * options.seeds
    print(
        f"IDBD on SuttonExperiment1Stream, {options.points} points x {options.seeds} seeds, "
        f"{options.steps:,} steps; {machine()}"
    )
    print(
        f"warm, median of {options.repeats}, interleaved; load {os.getloadavg()[0]:.1f} on "
        f"{os.cpu_count()} cores at the start\n"
    )
    rows = []
    for count in range(1, len(cores) + 1):
        found = ended(started(options, "loop", cores[:count], devices=count))
        rows.append(
            (
                f"{count} core{'s' if count > 1 else ''}",
                f"{found['loop']:.2f}",
                f"{found['sweep']:.2f}",
                f"{found['loop'] / found['sweep']:.1f}",
                f"{found['sweep'] / members / options.steps * 1e6:.3f}",
                f"{found['first']:.1f}",
                f"{found['programs']} + {found['small programs']} to set up",
                f"{found['difference']:.1e}",
            )
        )
    header = ("", "loop s", "sweep s", "ratio", "us per member and step", "first s", "compiled")
    table((*header, "largest relative difference"), rows)
    if len(cores) < 2:
        return None
    found = ended(started(options, "devices", cores, devices=2))
    one = found["one device"]
    rows = [("one device", f"{one:.2f}", "1.00", "")]
    for name in ("two devices", "a thread per device"):
        difference = f"{found[f'{name}, difference']:.1e}"
        rows.append((name, f"{found[name]:.2f}", f"{one / found[name]:.2f}", difference))
    print()
    table(("on two cores", "s", "throughput", "largest relative difference"), rows)
    with tempfile.TemporaryDirectory() as folder:
        out, port = str(Path(folder) / "out"), free_port()
        both = [
            started(options, "process", [core], port=port, process=i, out=out)
            for i, core in enumerate(cores)
        ]
        seconds = max(ended(process)["sweep"] for process in both)
        results = [np.load(f"{out}.{i}.npy") for i in (0, 1)]
    expected = Grid(options).sweep()
    difference = max(float((np.abs(r - expected) / (1e-3 + expected)).max()) for r in results)
    print(
        f"\ntwo processes, jax.distributed on loopback: {seconds:.2f} s, "
        f"largest relative difference to one {difference:.1e}"
    )
    return None


if __name__ == "__main__":
    main()
