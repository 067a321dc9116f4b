"""`alberta daemon` in processes of their own, asked line by line."""

import json
import os
import select
import signal
import socket
import subprocess
import time

import numpy as np

from alberta_framework.checkpoints import CheckpointError, load_checkpoint_metadata

from .commands import COMMAND

SECONDS = 120  # for a machine that is busy with other tests
CONFIG = {
    "learner": {
        "type": "LinearLearner",
        "optimizer": {"type": "IDBD", "initial_step_size": 0.02},
        "normalizer": {"type": "EMANormalizer"},
    },
    "feature_names": ["a", "b"],
    "head_names": ["y"],
}


def write_config(folder, **changes):
    path = folder / "learner.json"
    path.write_text(json.dumps(CONFIG | changes))
    return path


def strict(line):
    """A line of JSON without NaN and infinity, which JSON does not know."""

    def refuse(token):
        raise AssertionError(f"{token} is no JSON")

    assert line.endswith(b"\n"), line
    return json.loads(line.decode("utf-8"), parse_constant=refuse)


def events(steps, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.float32(rng.normal(size=(steps, 2)))
    return [
        {"id": i, "observation": row.tolist(), "targets": [float(row[0] - row[1])]}
        for i, row in enumerate(rows)
    ]


def wait_for_save(path, steps=1):
    """Until a checkpoint of so many events is on the disk: a save in the background may take longer
    than any number of events."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            if load_checkpoint_metadata(path)["daemon"]["steps"] >= steps:
                return
        except (CheckpointError, FileNotFoundError):
            pass
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Lines:
    """Lines in and out of two descriptors, read with patience."""

    def __init__(self, read, write):
        self.read, self.write, self.buffer = read, write, b""

    def send(self, line):
        data = line if isinstance(line, bytes) else json.dumps(line).encode()
        data += b"" if data.endswith(b"\n") else b"\n"
        while data:
            data = data[os.write(self.write, data) :]

    def receive(self):
        """The next line; b"" at the end."""
        deadline = time.monotonic() + SECONDS
        while b"\n" not in self.buffer:
            assert select.select([self.read], [], [], max(0, deadline - time.monotonic()))[0]
            data = os.read(self.read, 1 << 16)
            if not data:
                rest, self.buffer = self.buffer, b""
                return rest
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def ask(self, line):
        self.send(line)
        return strict(self.receive())


class Served:
    """A running daemon; its errors go to a file."""

    def __init__(self, folder, *arguments, config=None, environment=None, **options):
        config = write_config(folder) if config is None else config
        self.errors = folder / f"errors-{time.monotonic_ns()}"
        environment = os.environ | {"COLUMNS": "120"} | (environment or {})
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*COMMAND, "daemon", "--config", str(config), *map(str, arguments)],
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                **options,
            )
        self.lines = Lines(self.process.stdout.fileno(), self.process.stdin.fileno())
        self.ask, self.send, self.receive = self.lines.ask, self.lines.send, self.lines.receive

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def said(self):
        return self.errors.read_text()

    def end(self):
        """Exit code and what it said; standard input is closed."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        code = self.process.wait(SECONDS)
        self.process.stdout.close()
        assert "Traceback" not in self.said(), self.said()
        return code, self.said()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SECONDS)
        self.process.stdin.close()
        self.process.stdout.close()


class Client:
    """Of a Unix socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        number = self.socket.fileno()
        lines = Lines(number, number)
        self.ask, self.send, self.receive = lines.ask, lines.send, lines.receive

    def close(self):
        self.socket.close()
